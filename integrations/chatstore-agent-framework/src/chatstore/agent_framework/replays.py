"""Replayed transcripts: which messages of a list the conversation has already.

Callers may pass the messages of earlier turns again, together with new ones: front ends that keep
the conversation themselves, workflows, and loops around an agent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatstore.agent_framework.messages import FRAMEWORK
from chatstore.core import ChatMessage, MessageRole
from chatstore.core.framework_payload import payload_for
from chatstore.core.messages import PAYLOADS_KEY

_ASSIGNED_ID = re.compile("[0-9a-f]{32}")
"""An id that a store gave to a message without one: the caller's copy does not have it."""


def count_replayed(
    stored: Sequence[ChatMessage], passed: Sequence[ChatMessage], *, is_whole: bool
) -> int:
    """Return how many of the first messages that were passed belong to earlier turns.

    A message is recognized by its id; everything before it belongs to earlier turns, too. Messages
    without ids are recognized by their place and content together: the beginning of the list
    repeats the end of the conversation, and something new follows. It must repeat the whole
    conversation, or an answer or a tool result, which callers do not make up. Content alone never
    identifies a message: users repeat themselves.

    Args:
        stored: The newest messages of the conversation, at least as many as were passed, or all.
        passed: What the caller passed, oldest first.
        is_whole: ``stored`` is the whole conversation.

    """
    return max(_by_id(stored, passed), _by_place(stored, passed, is_whole=is_whole))


def same_content(one: ChatMessage, other: ChatMessage) -> bool:
    """Return whether two messages say the same, whatever their ids and properties."""
    return bool(_content(one) == _content(other))


def _by_id(stored: Sequence[ChatMessage], passed: Sequence[ChatMessage]) -> int:
    positions = {
        message.id: position for position, message in enumerate(stored) if message.id is not None
    }
    known = [message.id in positions for message in passed]
    # A replay ends with something new. So the last message is replayed only if all are known;
    # otherwise a client uses an id again.
    is_known = all(
        known or message.id is None for known, message in zip(known, passed, strict=True)
    )
    count = len(passed) if is_known else len(passed) - 1
    while count and not (known[count - 1] and _is_same(stored, positions, passed[count - 1])):
        count -= 1
    # Front ends may shorten what they keep, so what follows may have other content.
    while count < len(passed) - 1 and known[count]:
        count += 1
    if count in {0, len(passed)}:
        return count
    position = positions.get(passed[count - 1].id or "", len(stored))
    return count + _copies(stored[position + 1 :], passed[count:-1])


def _is_same(
    stored: Sequence[ChatMessage], positions: Mapping[str, int], message: ChatMessage
) -> bool:
    return same_content(stored[positions[message.id or ""]], message)


def _copies(stored: Sequence[ChatMessage], passed: Sequence[ChatMessage]) -> int:
    """Return how many of the first messages are copies of stored ones, in their order."""
    rest = iter(stored)
    for index, message in enumerate(passed):
        if not any(_is_copy(existing, message) for existing in rest):
            return index
    return len(passed)


def _by_place(
    stored: Sequence[ChatMessage], passed: Sequence[ChatMessage], *, is_whole: bool
) -> int:
    for count in range(min(len(stored), len(passed) - 1), 0, -1):
        repeated = passed[:count]
        if all(map(_is_copy, stored[-count:], repeated)) and (
            (is_whole and count == len(stored))
            or any(message.role is not MessageRole.USER for message in repeated)
        ):
            return count
    return 0


def _is_copy(stored: ChatMessage, passed: ChatMessage) -> bool:
    if stored.id is not None and stored.id == passed.id:
        return True
    has_other_id = passed.id is not None and not _ASSIGNED_ID.fullmatch(stored.id or "")
    return not has_other_id and same_content(stored, passed)


def _content(message: ChatMessage) -> Any:
    # The framework adds the agent's name, which front ends do not keep.
    unsaid = {PAYLOADS_KEY, "name"}
    kwargs = {
        name: value for name, value in message.additional_kwargs.items() if name not in unsaid
    }
    if message.content or kwargs:
        return message.role, message.content, kwargs
    payload = payload_for(message, FRAMEWORK)  # what no other framework has
    return message.role, payload.get("contents") if isinstance(payload, dict) else None
