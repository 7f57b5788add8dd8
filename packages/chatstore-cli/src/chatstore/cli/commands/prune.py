"""``chatstore prune``: delete conversations that were not written for a long time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chatstore.cli.amounts import counted
from chatstore.cli.arguments import Json, Owner, Prefix, Url, Yes
from chatstore.cli.confirming import confirm
from chatstore.cli.durations import time_ago
from chatstore.cli.listing import conversations
from chatstore.cli.output import print_json, print_text
from chatstore.cli.progress import progress
from chatstore.cli.records import print_records
from chatstore.cli.stores import open_existing

if TYPE_CHECKING:
    from datetime import datetime

    from chatstore.core import ChatStore, Conversation


def prune(
    url: Url = None,
    *,
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than", metavar="AGE", help="Such as 90d; units are s, m, h, d and w."
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="List the conversations; delete nothing.")
    ] = False,
    owner: Owner = None,
    prefix: Prefix = "",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete conversations whose last write is older than an age."""
    limit = time_ago(older_than)
    with open_existing(url) as store:
        old = _old(store, limit, owner, prefix)
        messages = sum(conversation.length for conversation in old)
        amount = f"{counted(len(old), 'conversation')} with {counted(messages, 'message')}"
        if dry_run:
            print_records(old, json=json)
            if not json:
                print_text(f"{amount} would be deleted.", stderr=True)
            return
        if old:
            confirm(f"Delete {amount}, last written before {limit:%Y-%m-%d %H:%M} UTC?", yes=yes)
        deleted = _delete(store, old)
    if json:
        print_json({"deleted": deleted, "changed": len(old) - deleted})
    else:
        rest = len(old) - deleted
        changed = f"; {rest:,} changed during the run" if rest else ""
        print_text(f"Deleted {counted(deleted, 'conversation')}{changed}.")


def _old(store: ChatStore, limit: datetime, owner: str | None, prefix: str) -> list[Conversation]:
    old = []
    with progress("Looking for old conversations", "conversations") as advance:
        for conversation in conversations(store, owner=owner, prefix=prefix):
            if conversation.updated_at < limit:
                old.append(conversation)
            advance(1)
    return old


def _delete(store: ChatStore, old: list[Conversation]) -> int:
    """Delete conversations unless they were written since; return how many were deleted."""
    from chatstore.core import RevisionConflictError

    deleted = 0
    with progress("Deleting", "conversations", len(old)) as advance:
        for conversation in old:
            try:
                store.delete_messages(conversation.key, expected_revision=conversation.revision)
            except RevisionConflictError:
                pass
            else:
                deleted += 1
            advance(1)
    return deleted
