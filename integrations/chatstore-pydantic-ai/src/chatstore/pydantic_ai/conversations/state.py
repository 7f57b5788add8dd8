"""The state of a conversation: its record, read from the newest messages of its log."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from pydantic_ai.conversation_store import ConversationRecord

from chatstore.core import ChatMessage, ChatStore, Conversation, Snapshot
from chatstore.core.memory.summaries import without_summaries
from chatstore.pydantic_ai.conversations.entries import entry_id_of
from chatstore.pydantic_ai.conversations.notes import Base, Mark, notes_of

_TAILS = (1, 100, None)  # the mark is in the newest message unless other programs appended some


class State(NamedTuple):
    """A conversation at one moment.

    Attributes:
        revision: The store's revision; ``None``: there is nothing under the key.
        owner: The conversation's owner.
        newest: The newest message of the log.
        record: The record; ``None``: Pydantic AI has no such conversation.
        record_revision: The record's revision, which a caller cannot change.
        head_id: The record's head, which a caller cannot change.
        bases: Entries of other logs that this log continues from.

    """

    revision: str | None = None
    owner: str | None = None
    newest: ChatMessage | None = None
    record: ConversationRecord | None = None
    record_revision: str | None = None
    head_id: str | None = None
    bases: tuple[Base, ...] = ()


async def read_state(store: ChatStore, key: str) -> State:
    """Read the state of a conversation."""
    state = State()
    for tail in _TAILS:
        snapshot = await store.async_snapshot(key, last=tail)
        state = state_of(snapshot)
        messages = snapshot.messages
        if tail is None or len(messages) < tail or any(map(_mark_of, messages)):
            break
    return state


def _mark_of(message: ChatMessage) -> Mark | None:
    return notes_of(message).mark


def state_of(snapshot: Snapshot) -> State:
    """Return the state that a log, or its newest messages, show."""
    conversation = snapshot.conversation
    if conversation is None:
        return State()
    marks = map(_mark_of, reversed(snapshot.messages))
    mark = next((mark for mark in marks if mark is not None), None)
    newest = snapshot.messages[-1] if snapshot.messages else None
    record = mark.record if mark is not None else None
    if newest is None or _mark_of(newest) is None:
        record = _continued(conversation, snapshot.messages, record)
    if record is not None:
        record = dataclasses.replace(
            record, conversation_id=conversation.key, scope=conversation.owner
        )
    return State(
        conversation.revision,
        conversation.owner,
        newest,
        record,
        None if record is None else record.revision,
        None if record is None else record.head_id,
        tuple(mark.bases) if mark is not None else (),
    )


def _continued(
    conversation: Conversation, messages: list[ChatMessage], record: ConversationRecord | None
) -> ConversationRecord:
    """Return the record of a conversation whose newest message others wrote."""
    if record is None:
        record = ConversationRecord(conversation_id=conversation.key, head_id=None)
    entries = without_summaries(messages)
    return dataclasses.replace(
        record,
        head_id=entry_id_of(conversation.key, entries[-1]) if entries else None,
        deferred_tool_requests=None,  # what followed has answered them
        revision=conversation.revision,
        updated_at=conversation.updated_at,
    )
