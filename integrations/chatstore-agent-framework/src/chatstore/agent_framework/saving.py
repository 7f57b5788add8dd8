"""Append the messages of a list that a conversation does not have."""

from __future__ import annotations

from collections.abc import Sequence

from chatstore.agent_framework.replays import count_replayed, same_content
from chatstore.agent_framework.stored import Stored, read_stored
from chatstore.core import ChatMessage, ChatStore, MessageConflictError, RevisionConflictError

_ATTEMPTS = 10  # if other clients write to the conversation, its end is read again


async def save_new(store: ChatStore, key: str, passed: Sequence[ChatMessage]) -> None:
    """Append the messages that the conversation does not have, all or none of them.

    It reads as many messages as were passed, whatever the length of the conversation.
    """
    for attempt in range(_ATTEMPTS):
        # A single message is new, unless the conversation has its id.
        stored = await read_stored(store, key, len(passed)) if len(passed) > 1 else Stored()
        replayed = count_replayed(stored.messages, passed, is_whole=stored.is_whole)
        new = _with_unique_ids(passed[replayed:])
        is_last = attempt == _ATTEMPTS - 1
        try:
            await store.async_add_messages(
                key, new, expected_revision=None if is_last else stored.revision
            )
        except RevisionConflictError:
            continue
        except MessageConflictError:
            await store.async_add_messages(key, await _without_known_ids(store, key, new))
        return


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
