"""Summaries of sessions, which the SDK folds from their entries.

A summary is derived from the entries in their stored order. The record of the conversation keeps it
with the id of the last entry that it covers. So appends of several processes cannot lose a part
of it: each one folds all entries that the summary lacks, and writes only if the conversation has
not changed since they were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, cast

from claude_agent_sdk import SessionKey, SessionStoreEntry, fold_session_summary

from chatstore.claude_agent_sdk.entries import to_entries
from chatstore.claude_agent_sdk.keys import conversation_key
from chatstore.claude_agent_sdk.records import (
    Transcript,
    read_transcript,
    summary_entry,
    transcript_of,
)
from chatstore.core import (
    UNCHANGED,
    ChatMessage,
    ChatStore,
    Conversation,
    ConversationNotFoundError,
    InvalidArgumentError,
    RevisionConflictError,
)
from chatstore.core.checks import MAX_TITLE_CHARACTERS
from chatstore.core.unchanged import Unchanged

_ATTEMPTS = 10  # if other writers are faster each time, one of their appends does the rest
_GROWTH = 8


class _Reading(NamedTuple):
    """A session at one moment.

    Attributes:
        conversation: The record.
        transcript: What it says.
        rest: The messages that its summary does not cover.

    """

    conversation: Conversation
    transcript: Transcript
    rest: list[ChatMessage]


async def update_summary(store: ChatStore, key: SessionKey, appended: int) -> None:
    """Fold the newest entries of a session into the summary that its record keeps.

    Args:
        store: The store.
        key: The session.
        appended: How many entries were just appended: about as many as must be read.

    """
    for _ in range(_ATTEMPTS):
        reading = await _read(store, key, appended)
        if reading is None or not reading.rest:
            return
        entries = to_entries(reading.rest, key["session_id"])
        if await _is_saved(store, reading, _fold(reading, key, entries), entries):
            return


async def update_title(
    store: ChatStore, key: SessionKey, entries: Sequence[SessionStoreEntry]
) -> None:
    """Write the title that the user gave a session whose record has no room for a summary."""
    title = _last(entries, "customTitle")
    if title:
        with suppress(ConversationNotFoundError):  # another program deleted it
            await store.async_update_conversation(conversation_key(key), title=_fitting(title))


async def read_current(store: ChatStore, key: SessionKey) -> tuple[Conversation, Transcript] | None:
    """Return a session with a summary of all its entries, without changing the record.

    ``None``: the session does not exist.
    """
    reading = await _read(store, key, 0)
    if reading is None:
        return None
    entries = to_entries(reading.rest, key["session_id"])
    return reading.conversation, _fold(reading, key, entries)


async def _read(store: ChatStore, key: SessionKey, appended: int) -> _Reading | None:
    """Read a session backwards until the last message that its summary covers."""
    limit = appended + 1
    while True:
        snapshot = await store.async_snapshot(conversation_key(key), last=limit)
        conversation, messages = snapshot.conversation, snapshot.messages
        if conversation is None:
            return None
        transcript = read_transcript(conversation) or transcript_of(key)
        ids = [message.id for message in messages]
        if transcript.last in ids:
            rest = messages[ids.index(transcript.last) + 1 :]
            return _Reading(conversation, transcript, rest)
        if len(messages) < limit:
            without = replace(transcript, summary=None, entries=0, last=None)
            return _Reading(conversation, without, messages)
        limit *= _GROWTH


def _fold(reading: _Reading, key: SessionKey, entries: list[SessionStoreEntry]) -> Transcript:
    transcript, conversation = reading.transcript, reading.conversation
    before = None
    if transcript.summary is not None:
        before = summary_entry(transcript, conversation)
    return replace(
        transcript,
        summary=fold_session_summary(before, key, entries)["data"],
        entries=conversation.length,
        last=reading.rest[-1].id if reading.rest else transcript.last,
    )


async def _is_saved(
    store: ChatStore,
    reading: _Reading,
    folded: Transcript,
    entries: Sequence[SessionStoreEntry],
) -> bool:
    """Write a summary; return false if the conversation has changed since it was read."""
    title = _title(reading.conversation, entries)
    for transcript in (folded, folded.without_summary()):
        try:
            await store.async_update_conversation(
                reading.conversation.key,
                title=title,
                metadata=transcript.to_metadata(),
                expected_revision=reading.conversation.revision,
            )
        except InvalidArgumentError:  # the metadata would be too long
            continue
        except RevisionConflictError:
            return False
        except ConversationNotFoundError:
            return True
        return True
    return True


def _title(conversation: Conversation, entries: Sequence[SessionStoreEntry]) -> str | Unchanged:
    """Return the title that the user gave the session, or else the first one of the model."""
    given, made = _last(entries, "customTitle"), _last(entries, "aiTitle")
    title = given or (made if conversation.title is None else None)
    return UNCHANGED if title is None else _fitting(title)


def _fitting(title: str) -> str:
    """Return a title that a store accepts."""
    return title[:MAX_TITLE_CHARACTERS].encode("utf-8", "replace").decode()


def _last(entries: Iterable[SessionStoreEntry], field: str) -> str | None:
    """Return the last text in a field that only some kinds of entries have."""
    values = [cast("dict[str, Any]", entry).get(field) for entry in entries]
    return next((value for value in reversed(values) if isinstance(value, str) and value), None)
