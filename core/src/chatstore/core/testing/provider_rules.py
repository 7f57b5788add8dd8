"""What LLM providers refuse, and what a window promises: checks that share no code with it.

The rules are the strict union of what OpenAI and Anthropic document: what passes here, both take.
Calls and results are paired here from the oldest message on, one result after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.tool_calls import ToolReference, call_references, result_references

_MODELS = (MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL)
_INSTRUCTIONS = (MessageRole.SYSTEM, MessageRole.DEVELOPER)
_PARTS = {
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
}
_RESULT_BLOCKS = ("tool_result", "function_call_output")


def provider_violations(messages: Sequence[ChatMessage]) -> list[str]:
    """Return what a provider would refuse in a list of messages; empty if it accepts them.

    The calls of the last exchange may lack results: they are still being run.
    """
    found: list[str] = []
    calls: list[ToolReference] = []
    results: list[ToolReference] = []  # directly behind the calls
    for index, message in enumerate(messages):
        answers = result_references(message)
        results += answers
        if not answers or (_words(message) and index < len(messages) - 1):
            found += _unpaired(calls, results, index)
            calls, results = call_references(message), []
    found += _unpaired(calls, results, None)
    spoken = messages[_count_leading(messages) :]
    if any(map(_is_question, spoken)) and not _is_question(spoken[0]):
        found.append("the first message is not the user's")
    return found


def window_violations(
    conversation: Sequence[ChatMessage],
    window: Sequence[ChatMessage],
    limit: int,
    count: Callable[[ChatMessage], int],
) -> list[str]:
    """Return which promises of a window are broken; empty if it keeps all.

    Args:
        conversation: All messages, oldest first; each has an id of its own.
        window: What was chosen of them.
        limit: The most tokens that the window may have.
        count: Counts the tokens of a message.
    """
    found = provider_violations(window)
    leading = _count_leading(conversation)  # a silent message in front of them ends those, too
    # A model's message without content may be left out: no provider takes it.
    in_window = {message.id for message in window}
    conversation = [
        message for message in conversation if message.id in in_window or not _is_silent(message)
    ]
    by_id = {message.id: place for place, message in enumerate(conversation)}
    if any(message.id not in by_id for message in window):
        return [*found, "the window holds a message that the conversation does not hold"]
    places = [by_id[message.id] for message in window]
    found += _changed(conversation, window, places)
    found += _out_of_order(window, places)
    if places[:leading] != list(range(leading)):
        found.append("a pinned message is missing")
    if conversation:
        found += _newest_missing(conversation, window, places)
    questions = [message for message in window if _is_question(message)]
    if any(map(_words_of_user, conversation)) and not questions and len(places) > leading:
        found.append("the window holds no user message")
    if sum(map(count, window)) > limit and len(questions) > 1:
        # Words between the calls of the newest exchange and its results cannot be left out.
        start = _call_in_window(conversation, window, places)
        before = {place for place in places if start is not None and place < start}
        if start is None or sum(_is_question(conversation[place]) for place in before) > 1:
            found.append("the window is above the limit and is not the newest turn alone")
    return [*found, *_left_out(conversation, window, places, leading)]


def chat_completions_violations(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what OpenAI's Chat Completions would refuse in a request's messages.

    The calls of the last exchange may lack results: they are still being run.
    """
    found: list[str] = []
    unanswered: list[str] = []
    for index, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        if role == "tool":
            if message.get("tool_call_id") in unanswered:
                unanswered.remove(message["tool_call_id"])
            else:
                found.append(f"message {index}: a result without a call directly before it")
        elif unanswered:
            found.append(f"message {index}: comes before the results of {unanswered}")
        if role != "tool":
            unanswered = [call["id"] for call in message.get("tool_calls") or ()]
        if len(set(unanswered)) < len(unanswered) or not all(unanswered):
            found.append(f"message {index}: ids of calls are missing or repeated")
        speaks = any(message.get(name) for name in ("tool_calls", "function_call", "refusal"))
        if role == "assistant" and not (content or speaks or message.get("audio")):
            found.append(f"message {index}: says nothing")
        if isinstance(content, list):
            kinds = {part["type"] for part in content} - _PARTS.get(role, {"text"})
            found += [f"message {index}: a part of the type {kind!r}" for kind in sorted(kinds)]
    return found


def _unpaired(
    calls: Sequence[ToolReference], results: Sequence[ToolReference], place: int | None
) -> list[str]:
    """Find results without a call, and calls without a result unless they are the last."""
    open_calls, open_results = list(calls), list(results)
    for most in range(4):  # what fits best goes together
        for result in list(open_results):
            call = _best_call(open_calls, result, most)
            if call is not None:
                del open_calls[call]
                open_results.remove(result)
    found = [f"before message {place}: {result} has no call" for result in open_results]
    if place is not None and open_calls:
        found.append(f"message {place}: comes before the results of {open_calls}")
    return found


def _changed(
    conversation: Sequence[ChatMessage], window: Sequence[ChatMessage], places: Sequence[int]
) -> Iterator[str]:
    """Find messages that are neither whole nor some blocks of a message with results."""
    blocks_left: dict[int, list[object]] = {}
    for message, place in zip(window, places, strict=True):
        original = conversation[place]
        if place not in blocks_left and message == original:
            blocks_left[place] = []
            continue
        if not isinstance(message.content, list) or not isinstance(original.content, list):
            yield f"message {place} was changed, or is there twice"
            continue
        left = blocks_left.setdefault(place, list(original.content))
        is_part = result_references(original) and message.content
        if not is_part or any(block not in left for block in message.content):
            yield f"message {place} was changed, or is there twice"
        for block in message.content:
            if block in left:
                left.remove(block)


def _out_of_order(window: Sequence[ChatMessage], places: Sequence[int]) -> Iterator[str]:
    """Find messages out of order; only what comes between a call and its result may move."""
    spans: list[tuple[int, int]] = []
    start = 0
    for index, message in enumerate(window):
        if not result_references(message):
            start = index
        spans.append((places[start], places[index]))
    last = dict.fromkeys(range(len(window)), 0)
    for index in range(len(window) - 1, -1, -1):
        following = index + 1 < len(window) and result_references(window[index + 1])
        last[index] = max(places[index], last[index + 1] if following else 0)
    whole = [(first, last[index]) for index, (first, _) in enumerate(spans)]
    for after in range(len(window)):
        for before in range(after):
            if places[before] <= places[after]:
                continue
            moved = any(
                low < other <= high
                for (low, high), other in (
                    (whole[before], places[after]),
                    (whole[after], places[before]),
                )
            )
            if not moved:
                yield f"message {places[before]} comes before message {places[after]}"


def _newest_missing(
    conversation: Sequence[ChatMessage], window: Sequence[ChatMessage], places: Sequence[int]
) -> Iterator[str]:
    newest = len(conversation) - 1
    if newest not in places:
        # A result without a call is the one thing that no provider takes anywhere.
        if not result_references(conversation[newest]) or _is_surely_answer(conversation):
            yield "the newest message is missing"
        return
    behind = places[len(places) - 1 - list(reversed(places)).index(newest) + 1 :]
    start = _call_in_window(conversation, window, places)
    if any(start is None or place < start for place in behind):
        yield "the newest message is not the last"


def _left_out(
    conversation: Sequence[ChatMessage],
    window: Sequence[ChatMessage],
    places: Sequence[int],
    leading: int,
) -> Iterator[str]:
    """Find messages that are neither calls nor results and are missing in the middle."""
    plain = [
        p
        for p, message in zip(places, window, strict=True)
        if not call_references(message) and not _is_result(message)
    ]
    start = min((place for place in plain if place >= leading), default=len(conversation))
    for place in range(start, len(conversation)):
        message = conversation[place]
        if place not in plain and not call_references(message) and _words(message):
            yield f"message {place} is left out of the middle"


def _is_surely_answer(conversation: Sequence[ChatMessage]) -> bool:
    """Tell whether the newest message answers a call, and no other result might do so instead."""
    caller = _call_of_newest(conversation)
    if caller is None:
        return False
    calls = sum(len(call_references(message)) for message in conversation[caller:])
    results = sum(len(result_references(message)) for message in conversation[caller:])
    has_id = all(result.id for result in result_references(conversation[-1]))
    return has_id or results <= calls


def _call_of_newest(conversation: Sequence[ChatMessage]) -> int | None:
    """Return where the calls are that the newest message answers; `None` if it answers none."""
    unanswered: list[list[ToolReference]] = []
    for place, message in enumerate(conversation):
        unanswered.append(call_references(message))
        for result in result_references(message):
            caller = _answer(unanswered, result)
            if caller is not None and place == len(conversation) - 1:
                return caller
    return None


def _answer(unanswered: Sequence[list[ToolReference]], result: ToolReference) -> int | None:
    """Remove the call that a result answers: of its id before others, then the nearest."""
    for most in (1, 3):
        for caller in range(len(unanswered) - 1, -1, -1):
            call = _best_call(unanswered[caller], result, most)
            if call is not None:
                del unanswered[caller][call]
                return caller
    return None


def _call_in_window(
    conversation: Sequence[ChatMessage], window: Sequence[ChatMessage], places: Sequence[int]
) -> int | None:
    """Return the place of the calls that the newest message answers, where the window has it."""
    newest = len(conversation) - 1
    if newest not in places or not result_references(conversation[newest]):
        return None
    for index in range(places.index(newest), -1, -1):
        if call_references(window[index]):
            return places[index]
    return None


def _best_call(calls: Sequence[ToolReference], result: ToolReference, most: int = 3) -> int | None:
    """Return the place of the call that a result answers: the first of those that fit best."""
    fits = [(_misfit(call, result), place) for place, call in enumerate(calls)]
    misfit, place = min(fits, default=(None, 0))
    return None if misfit is None or misfit > most else place


def _misfit(call: ToolReference, result: ToolReference) -> int:
    same_name = call.name == result.name
    if result.id and call.id:
        return (0 if same_name else 1) if call.id == result.id else 4
    if result.id:
        return 2 if result.id == call.name else 4
    if not call.id and call.name and same_name:
        return 2
    return 3 if not call.name or not result.name or same_name else 4


def _is_silent(message: ChatMessage) -> bool:
    """Tell whether a model's message has neither text nor calls nor other blocks or fields."""
    kwargs = message.additional_kwargs
    if message.role not in _MODELS or call_references(message) or any(kwargs.values()):
        return False
    if not isinstance(message.content, list):
        return not message.content
    return all(
        block.type == "thinking" or getattr(block, "text", None) == "" for block in message.content
    )


def _is_result(message: ChatMessage) -> bool:
    return bool(result_references(message)) and not _words(message)


def _words(message: ChatMessage) -> bool:
    """Tell whether a message holds more than results."""
    if message.role in {MessageRole.TOOL, MessageRole.FUNCTION}:
        return False
    if not result_references(message) or not isinstance(message.content, list):
        return True
    return any(block.type not in _RESULT_BLOCKS for block in message.content)


def _words_of_user(message: ChatMessage) -> bool:
    return message.role is MessageRole.USER and _words(message)


def _is_question(message: ChatMessage) -> bool:
    return message.role is MessageRole.USER and not result_references(message)


def _count_leading(messages: Sequence[ChatMessage]) -> int:
    for place, message in enumerate(messages):
        if message.role not in _INSTRUCTIONS:
            return place
    return len(messages)
