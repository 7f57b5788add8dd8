"""Plans of operations that Haystack's protocol has and `ChatStore` does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haystack.dataclasses import ChatMessage as HaystackMessage

from chatstore.core import ChatMessage
from chatstore.core.backend import Backend, Plan
from chatstore.core.memory.window import arranged
from chatstore.core.operations import add_new_messages, get_messages
from chatstore.haystack.messages import haystack_groups, to_haystack
from chatstore.haystack.rounds import round_starts

_MESSAGES_PER_ROUND = 4  # a guess: if it is too low, more messages are read


def write_messages(
    backend: Backend[Any], key: str, messages: Sequence[ChatMessage]
) -> Plan[Any, int]:
    """Append the messages whose ids the conversation does not have; return their number.

    Of several messages with the same id, the first is written.
    """
    first: dict[str | None, ChatMessage] = {}
    for message in messages:
        first.setdefault(message.id, message)
    return add_new_messages(backend, key, first.values())


def read_rounds(
    backend: Backend[Any], key: str, count: int | None
) -> Plan[Any, list[HaystackMessage]]:
    """Read the newest rounds, or all of them; only as many messages as needed are read."""
    if count is None:
        return _complete((yield from get_messages(backend, key, None)))
    limit = count * _MESSAGES_PER_ROUND
    while True:
        messages = yield from get_messages(backend, key, limit)
        starts = round_starts(haystack_groups(messages))
        # The beginning of the oldest round may not have been read.
        if len(starts) > count or len(messages) < limit or count == 0:
            newest = starts[len(starts) - min(count, len(starts)) :]
            return _complete(messages[newest[0] :]) if newest else []
        limit *= 2


def _complete(messages: Sequence[ChatMessage]) -> list[HaystackMessage]:
    """Leave out calls without a result and results without a call, which providers refuse."""
    return to_haystack(arranged(messages, newest=False))
