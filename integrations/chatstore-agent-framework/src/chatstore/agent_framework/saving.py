"""Append the messages of a list that a conversation does not have."""

from __future__ import annotations

from collections.abc import Sequence

from chatstore.agent_framework.replays import count_replayed, same_content
from chatstore.core import ChatMessage, ChatStore, MessageConflictError, RevisionConflictError
from chatstore.core.memory.summaries import without_summaries

_ATTEMPTS = 10  # the end of the conversation is read again if others wrote to it meanwhile


async def save_new(store: ChatStore, key: str, passed: Sequence[ChatMessage]) -> None:
    """Append the messages that the conversation does not have, all or none of them.

    It reads as many messages as were passed, whatever the length of the conversation.
    """
    for attempt in range(_ATTEMPTS):
        replayed, revision = await _compare(store, key, passed)
        new = _with_unique_ids(passed[replayed:])
        is_last = attempt == _ATTEMPTS - 1
        try:
            await store.async_add_messages(
                key, new, expected_revision=None if is_last else revision
            )
        except RevisionConflictError:
            continue
        except MessageConflictError:
            await store.async_add_messages(key, await _without_known_ids(store, key, new))
        return


async def _compare(
    store: ChatStore, key: str, passed: Sequence[ChatMessage]
) -> tuple[int, str | None]:
    """Return how many messages are replayed, and the revision of which this is true."""
    if len(passed) < 2:
        return 0, None  # a single message is new, unless the conversation has its id
    snapshot = await store.async_snapshot(key, last=len(passed))
    conversation = snapshot.conversation
    if conversation is None:
        return 0, None
    is_whole = conversation.length == len(snapshot.messages)
    stored = without_summaries(snapshot.messages)
    return count_replayed(stored, passed, is_whole=is_whole), conversation.revision


def _with_unique_ids(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Return the messages, each id once: some clients give all messages of a run the same id."""
    unique: list[ChatMessage] = []
    by_id: dict[str, ChatMessage] = {}
    for message in messages:
        first = by_id.setdefault(message.id, message) if message.id is not None else message
        if first is message:
            unique.append(message)
        elif not same_content(first, message):
            unique.append(_without_id(message))
    return unique


async def _without_known_ids(
    store: ChatStore, key: str, messages: Sequence[ChatMessage]
) -> list[ChatMessage]:
    """Return the messages that are new; an id that an older message has is not used again."""
    new: list[ChatMessage] = []
    for message in messages:
        existing = None if message.id is None else await store.async_get_message(key, message.id)
        if existing is None:
            new.append(message)
        elif not same_content(existing, message):
            new.append(_without_id(message))
    return new


def _without_id(message: ChatMessage) -> ChatMessage:
    return message.model_copy(update={"id": None})
