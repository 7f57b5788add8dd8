"""``chatstore delete``: delete a conversation."""

from __future__ import annotations

from chatstore.cli.amounts import counted
from chatstore.cli.arguments import Json, Key, Url, Yes
from chatstore.cli.confirming import confirm
from chatstore.cli.output import print_json, print_text
from chatstore.cli.stores import open_existing, require_conversation


def delete(key: Key, url: Url = None, *, yes: Yes = False, json: Json = False) -> None:
    """Delete a conversation with its record, unless it changes while you are asked."""
    with open_existing(url) as store:
        conversation = require_conversation(store, key)
        messages = counted(conversation.length, "message")
        confirm(f"Delete the conversation {key} with {messages}?", yes=yes)
        store.delete_messages(key, expected_revision=None if yes else conversation.revision)
    if json:
        print_json({"deleted": key, "messages": conversation.length})
    else:
        print_text(f"Deleted {key} with {messages}.")
