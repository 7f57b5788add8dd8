"""Replayed transcripts: which messages of a list the conversation has already.

Callers may pass the messages of earlier turns again, together with new ones: front ends that keep
the conversation themselves, workflows, and loops around an agent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    by_id = {message.id: message for message in stored}
    for index in range(len(passed) - 1, -1, -1):
        message = passed[index]
        existing = None if message.id is None else by_id.get(message.id)
        if existing is None:
            continue
        # A replay ends with something new. So the last message with a known id and other content
        # is a message of a client that uses ids again.
        if index < len(passed) - 1 or same_content(existing, message):
            return index + 1
    return 0


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
    kwargs = {
        name: value for name, value in message.additional_kwargs.items() if name != PAYLOADS_KEY
    }
    if message.content or kwargs:
        return message.role, message.content, kwargs
    payload = payload_for(message, FRAMEWORK)  # what no other framework has
    return message.role, payload.get("contents") if isinstance(payload, dict) else None
