"""Check the promises of windows.

The checks share no code with `chatstore.core.memory`, which builds windows. They name messages by
their indexes in the conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from chatstore.core.messages import ChatMessage
from chatstore.core.testing.message_kinds import (
    count_leading,
    has_more_than_results,
    has_only_results,
    is_by_user,
    is_question,
    is_without_content,
)
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.core.testing.result_pairing import is_certainly_answer
from chatstore.core.tool_calls import call_references, result_references


def window_violations(
    conversation: Sequence[ChatMessage],
    window: Sequence[ChatMessage],
    limit: int,
    count: Callable[[ChatMessage], int],
) -> list[str]:
    """Return which promises a window breaks; empty if it keeps all.

    Args:
        conversation: All messages, oldest first; each has an id of its own.
        window: The messages of the window.
        limit: The highest number of tokens that the window may have.
        count: Returns the tokens of a message.

    """
    violations = provider_violations(window)
    # Count before messages are left out: a message without content may come before instructions.
    leading = count_leading(conversation)
    # A model's message without content may be left out: no provider accepts it.
    in_window = {message.id for message in window}
    conversation = [
        message
        for message in conversation
        if message.id in in_window or not is_without_content(message)
    ]
    by_id = {message.id: index for index, message in enumerate(conversation)}
    if any(message.id not in by_id for message in window):
        return [*violations, "the window contains a message that the conversation does not contain"]
    indexes = [by_id[message.id] for message in window]
    violations += _changed(conversation, window, indexes)
    violations += _out_of_order(window, indexes)
    if indexes[:leading] != list(range(leading)):
        violations.append("a pinned message is missing")
    if conversation:
        violations += _newest_missing(conversation, window, indexes)
    questions = [message for message in window if is_question(message)]
    if any(map(is_by_user, conversation)) and not questions and len(indexes) > leading:
        violations.append("the window contains no user message")
    if sum(map(count, window)) > limit:
        violations += _above_limit(conversation, window, indexes, leading)
    return [*violations, *_left_out(conversation, window, indexes, leading)]


def _changed(
    conversation: Sequence[ChatMessage], window: Sequence[ChatMessage], indexes: Sequence[int]
) -> Iterator[str]:
    """Find messages that are neither whole nor a part of the blocks of a message with results."""
    blocks_left: dict[int, list[object]] = {}
    for message, index in zip(window, indexes, strict=True):
        original = conversation[index]
        if index not in blocks_left and message == original:
            blocks_left[index] = []
            continue
        if not isinstance(message.content, list) or not isinstance(original.content, list):
            yield f"message {index} was changed, or is there twice"
            continue
        left = blocks_left.setdefault(index, list(original.content))
        is_part = result_references(original) and message.content
        if not is_part or any(block not in left for block in message.content):
            yield f"message {index} was changed, or is there twice"
        for block in message.content:
            if block in left:
                left.remove(block)


def _out_of_order(window: Sequence[ChatMessage], indexes: Sequence[int]) -> Iterator[str]:
    """Find messages out of order; only a message between a call and its result may move."""
    spans: list[tuple[int, int]] = []
    start = 0
    for number, message in enumerate(window):
        if not result_references(message):
            start = number
        spans.append((indexes[start], indexes[number]))
    last = dict.fromkeys(range(len(window)), 0)
    for number in range(len(window) - 1, -1, -1):
        following = number + 1 < len(window) and result_references(window[number + 1])
        last[number] = max(indexes[number], last[number + 1] if following else 0)
    whole = [(first, last[number]) for number, (first, _) in enumerate(spans)]
    for after in range(len(window)):
        for before in range(after):
            if indexes[before] <= indexes[after]:
                continue
            moved = any(
                low < other <= high
                for (low, high), other in (
                    (whole[before], indexes[after]),
                    (whole[after], indexes[before]),
                )
            )
            if not moved:
                yield f"message {indexes[before]} comes before message {indexes[after]}"


def _newest_missing(
    conversation: Sequence[ChatMessage], window: Sequence[ChatMessage], indexes: Sequence[int]
) -> Iterator[str]:
    newest = len(conversation) - 1
    if newest not in indexes:
        # A result without a call is the only newest message that no provider accepts.
        if not result_references(conversation[newest]) or is_certainly_answer(conversation):
            yield "the newest message is missing"
        return
    behind = indexes[len(indexes) - 1 - list(reversed(indexes)).index(newest) + 1 :]
    start = _call_in_window(conversation, window, indexes)
    if any(start is None or index < start for index in behind):
        yield "the newest message is not the last"


def _above_limit(
    conversation: Sequence[ChatMessage],
    window: Sequence[ChatMessage],
    indexes: Sequence[int],
    leading: int,
) -> Iterator[str]:
    """Find messages besides the newest turn's user message and newest exchange."""
    # Text between the calls of the newest exchange and its results cannot be left out.
    start = _call_in_window(conversation, window, indexes)
    questions = [index for index in indexes if is_question(conversation[index])]
    if sum(start is None or index < start for index in questions) > 1:
        yield "the window is above the limit and has more than the newest turn"
    others = [
        number
        for number in range(leading, len(window))
        if not is_by_user(window[number]) and not has_only_results(window[number])
    ]
    newest = indexes[others[-1]] if start is None and others else start
    for number in others:
        if newest is None or indexes[number] >= newest:
            return  # what follows may be moved between calls and results of the newest exchange
        yield f"the window is above the limit and has message {indexes[number]}"


def _left_out(
    conversation: Sequence[ChatMessage],
    window: Sequence[ChatMessage],
    indexes: Sequence[int],
    leading: int,
) -> Iterator[str]:
    """Find messages that are neither calls nor results and are missing in the middle.

    The oldest turn may have been cut: then everything between its user message and a later message
    is left out.
    """
    plain = [
        index
        for index, message in zip(indexes, window, strict=True)
        if not call_references(message) and not has_only_results(message)
    ]
    start = min((index for index in plain if index >= leading), default=len(conversation))
    is_cut = is_by_user(conversation[start]) if start < len(conversation) else False
    end = min(_ends(window, indexes, start), default=len(conversation))
    for index in range(start + 1, len(conversation)):
        message = conversation[index]
        is_cut = is_cut and index < end and not is_by_user(message)
        is_plain = not call_references(message) and has_more_than_results(message)
        if is_plain and index not in plain and not is_cut:
            yield f"message {index} is left out of the middle"


def _ends(window: Sequence[ChatMessage], indexes: Sequence[int], start: int) -> Iterator[int]:
    """Yield the index of each message behind the start; of an exchange that of its last result."""
    last = -1
    for index, message in zip(indexes, window, strict=True):
        if has_only_results(message):
            last = max(last, index)
            continue
        if last > start:
            yield last
        last = -1
        if index > start and not call_references(message):
            yield index
    if last > start:
        yield last


def _call_in_window(
    conversation: Sequence[ChatMessage], window: Sequence[ChatMessage], indexes: Sequence[int]
) -> int | None:
    """Return the index of the calls that the newest message answers, if the window has it."""
    newest = len(conversation) - 1
    if newest not in indexes or not result_references(conversation[newest]):
        return None
    for number in range(indexes.index(newest), -1, -1):
        if call_references(window[number]):
            return indexes[number]
    return None
