"""Replayed transcripts: which messages of a list the conversation has already.

Callers may pass the messages of earlier turns again, together with new ones: front ends that keep
the conversation themselves, workflows, and loops around an agent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from chatstore.agent_framework.messages import FRAMEWORK
from chatstore.core import ChatMessage, MessageRole
from chatstore.core.framework_payload import payload_for
from chatstore.core.messages import PAYLOADS_KEY
from chatstore.core.tool_calls import result_blocks, results_of

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
    saved = [part for message in stored for part in _parts(message)]
    groups = [_parts(message) for message in passed]
    parts = [part for group in groups for part in group]
    count = max(_by_id(saved, parts), _by_place(saved, parts, is_whole=is_whole))
    ends = accumulate(len(group) for group in groups)
    return sum(end <= count for end in ends)


def same_content(one: ChatMessage, other: ChatMessage) -> bool:
    """Return whether two messages say the same, whatever their ids and properties."""
    return bool(_content(one) == _content(other))


def _parts(message: ChatMessage) -> list[ChatMessage]:
    """Return the results of a message and the rest apart: front ends keep a message for each."""
    indexes = result_blocks(message)
    if not indexes or not isinstance(message.content, list):
        return [message]
    results = [
        ChatMessage(
            role=MessageRole.TOOL,
            content=result.content,
            additional_kwargs={"tool_call_id": result.id},
            id=message.id,
        )
        for result in results_of(message)
    ]
    rest = [block for index, block in enumerate(message.content) if index not in indexes]
    return [*results, *([message.model_copy(update={"content": rest})] if rest else [])]


def _by_id(stored: Sequence[ChatMessage], passed: Sequence[ChatMessage]) -> int:
    positions: defaultdict[str | None, list[int]] = defaultdict(list)
    for position, message in enumerate(stored):
        positions[message.id].append(position)
    known = [message.id is not None and message.id in positions for message in passed]
    # A replay ends with something new. So the last message is replayed only if all are known;
    # otherwise a client uses an id again.
    is_known = all(message.id is None or message.id in positions for message in passed)
    count = len(passed) if is_known else len(passed) - 1
    while count and not (known[count - 1] and _is_among(passed[count - 1], stored, positions)):
        count -= 1
    # Front ends may shorten what they keep, so what follows may have other content.
    while count < len(passed) - 1 and known[count]:
        count += 1
    if count in {0, len(passed)}:
        return count
    last = positions[passed[count - 1].id][-1]
    return count + _copies(stored[last + 1 :], passed[count:-1])


def _is_among(
    message: ChatMessage,
    stored: Sequence[ChatMessage],
    positions: Mapping[str | None, Sequence[int]],
) -> bool:
    return any(same_content(stored[position], message) for position in positions[message.id])


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
    """Return whether a message at the same position is the stored one.

    Front ends give ids of their own to answers. They name the user's messages themselves, so two
    ids mean two messages, unless the store gave one of them.
    """
    if passed.id is not None and stored.id == passed.id:
        return True
    has_other_id = passed.id is not None and not _ASSIGNED_ID.fullmatch(stored.id or "")
    is_other = has_other_id and passed.role is MessageRole.USER
    return not is_other and same_content(stored, passed)


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
