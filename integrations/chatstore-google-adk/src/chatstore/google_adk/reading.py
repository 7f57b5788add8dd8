"""Read the newest events of a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from google.adk.sessions.base_session_service import GetSessionConfig

from chatstore.core import ChatMessage, ChatStore, Conversation
from chatstore.google_adk.events import complete_turns, timestamp_of

_LEAST_READ = 20  # messages, which nearly always show that the whole state is applied


class Newest(NamedTuple):
    """The newest messages of a session, oldest first.

    Attributes:
        conversation: The record.
        messages: All messages that were read.
        requested: Those that become events.

    """

    conversation: Conversation
    messages: Sequence[ChatMessage]
    requested: Sequence[ChatMessage]


async def read_newest(
    store: ChatStore, key: str, config: GetSessionConfig, default: int | None
) -> Newest | None:
    """Return the messages for a configuration; ``None`` if there is no conversation.

    Args:
        store: Where the session is.
        key: Its key.
        config: The limits of the call.
        default: The number of messages if ``config`` has no limit; ``None``: all.

    """
    if config.after_timestamp is not None:
        return await _read_after(store, key, config.after_timestamp, config.num_recent_events)
    limit = default if config.num_recent_events is None else config.num_recent_events
    last = None if limit is None else max(limit, _LEAST_READ)
    snapshot = await store.async_snapshot(key, last=last)
    if snapshot.conversation is None:
        return None
    messages = snapshot.messages
    requested: Sequence[ChatMessage] = messages
    if limit is not None and limit < len(messages):
        requested = messages[len(messages) - limit :]
    if config.num_recent_events is None and len(requested) < snapshot.conversation.length:
        requested = complete_turns(requested)
    return Newest(snapshot.conversation, messages, requested)


async def _read_after(
    store: ChatStore, key: str, timestamp: float, limit: int | None
) -> Newest | None:
    """Read backwards up to a message that is older: times do not decide the order."""
    conversation = await store.async_get_conversation(key)
    if conversation is None:
        return None
    messages: list[ChatMessage] = []
    requested = 0
    async for message in store.async_iter_messages(key, reverse=True):
        messages.append(message)
        if timestamp_of(message) < timestamp or requested == limit:
            break
        requested += 1
    messages.reverse()
    return Newest(conversation, messages, messages[len(messages) - requested :])
