"""Entries of Pydantic AI and the messages that hold them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import uuid4

from pydantic_ai.conversation_store import ConversationEntry

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.memory.summaries import without_summaries
from chatstore.pydantic_ai.conversations.notes import (
    Mark,
    Notes,
    change_notes,
    notes_of,
    with_notes,
    without_notes,
)
from chatstore.pydantic_ai.messages import convert_each, to_messages

_OTHERS = "chatstore:"  # then the key and the message's id as JSON


class Link(NamedTuple):
    """A stored message as an entry.

    Attributes:
        message: The message.
        parent: The id of the entry before it, ``None`` for the first one.

    """

    message: ChatMessage
    parent: str | None


def stored_entries(entries: Sequence[ConversationEntry]) -> list[ChatMessage]:
    """Return the messages to store for new entries.

    Raises:
        InvalidMessageError: JSON cannot hold a message.

    """
    messages = to_messages([entry.message for entry in entries])
    return [
        with_notes(
            message.model_copy(update={"id": entry.id}),
            Notes(kind="entry", parent=entry.parent_id),
        )
        for entry, message in zip(entries, messages, strict=True)
    ]


def with_mark(messages: Sequence[ChatMessage], mark: Mark) -> list[ChatMessage]:
    """Return the messages with a mark in the last one; without any, a message for the mark."""
    if not messages:
        # An assistant's message without content: every framework leaves it out.
        carrier = ChatMessage(role=MessageRole.ASSISTANT, id=f"record-{uuid4().hex}")
        return [with_notes(carrier, Notes(kind="carrier", mark=mark))]
    return [*messages[:-1], change_notes(messages[-1], mark=mark)]


def entry_id_of(key: str, message: ChatMessage) -> str:
    """Return the id of the entry that a message holds.

    Ids of messages that others wrote are unique in their conversation only, so their entries' ids
    include the key.
    """
    if notes_of(message).kind == "entry":
        return str(message.id)
    return _OTHERS + json.dumps([key, message.id])


def parse_entry_id(entry_id: str) -> tuple[str, str] | None:
    """Return the key and the id of a message that others wrote, ``None`` for other entries."""
    if not entry_id.startswith(_OTHERS):
        return None
    try:
        key, message_id = json.loads(entry_id.removeprefix(_OTHERS))
    except (ValueError, TypeError):
        return None
    return (key, message_id) if isinstance(key, str) and isinstance(message_id, str) else None


def linked(key: str, messages: Iterable[ChatMessage], *, from_start: bool) -> dict[str, Link]:
    """Return the messages of a part of a log as entries, by their ids.

    Args:
        key: The conversation's key.
        messages: Messages next to each other, oldest first.
        from_start: Whether the first one begins the log. Otherwise it is left out if only the
            message before it says what its parent is.

    """
    links: dict[str, Link] = {}
    before: ChatMessage | None = None
    is_known = from_start
    for message in without_summaries(messages):
        notes = notes_of(message)
        if notes.has_parent:
            links[entry_id_of(key, message)] = Link(message, notes.parent)
        elif notes.kind != "carrier" and is_known:
            links[entry_id_of(key, message)] = Link(message, _head_after(key, before))
        before, is_known = message, True
    return links


def _head_after(key: str, message: ChatMessage | None) -> str | None:
    """Return where the conversation ended when a message was its newest: others continue there."""
    if message is None:
        return None
    mark = notes_of(message).mark
    if mark is not None:
        return mark.record.head_id if mark.record is not None else None
    return entry_id_of(key, message)


def to_entries(chain: Sequence[tuple[str, Link]]) -> list[ConversationEntry]:
    """Return the entries of a history, oldest first.

    A message of another framework that contains nothing to send to a model is left out.
    """
    converted = convert_each([without_notes(link.message) for _, link in chain])
    entries: list[ConversationEntry] = []
    parent = chain[0][1].parent if chain else None
    for (entry_id, _), message in zip(chain, converted, strict=True):
        if message is not None:
            entries.append(ConversationEntry(id=entry_id, parent_id=parent, message=message))
            parent = entry_id
    return entries
