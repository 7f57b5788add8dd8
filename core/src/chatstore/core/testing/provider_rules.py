"""What LLM providers refuse, and what a window promises: judges that share no code with it.

The rules are the strict union of what OpenAI and Anthropic document: what passes here, both take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.tools import tool_call_ids, tool_result_ids

_INSTRUCTIONS = (MessageRole.SYSTEM, MessageRole.DEVELOPER)


def provider_violations(messages: Sequence[ChatMessage]) -> list[str]:
    """Return what a provider would refuse in a list of messages, empty where nothing.

    The calls of the last exchange may lack results: they are still being run.
    """
    found: list[str] = []
    unanswered: list[str] = []
    for index, message in enumerate(messages):
        answers = tool_result_ids(message)
        for answer in answers:
            if answer in unanswered:
                unanswered.remove(answer)
            else:
                found.append(f"message {index}: result {answer!r} has no call directly before it")
        if not answers:
            if unanswered:
                found.append(f"message {index}: comes before the results {sorted(unanswered)}")
            unanswered = list(tool_call_ids(message))
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
    """Return which promises of a window are broken, empty where none.

    Args:
        conversation: All messages, oldest first; each has an id of its own.
        window: What was chosen of them.
        limit: The most tokens that the window may have.
        count: Counts the tokens of a message.
    """
    found = provider_violations(window)
    places = {message.id: place for place, message in enumerate(conversation)}
    if any(message.id not in places for message in window):
        return [*found, "the window holds a message that the conversation does not hold"]
    chosen = [places[message.id] for message in window]
    if any(conversation[place] != message for place, message in zip(chosen, window, strict=True)):
        found.append("a message was changed")
    if any(after <= before for before, after in pairwise(chosen)):
        found.append("the messages are out of order, or one is there twice")
    leading = _count_leading(conversation)
    if chosen[:leading] != list(range(leading)):
        found.append("a pinned message is missing")
    newest = len(conversation) - 1
    # A result without a call is the one thing that no provider takes anywhere.
    if conversation and newest not in chosen and not _is_apart(conversation, newest):
        found.append("the newest message is missing")
    asked = [place for place in chosen if _is_question(conversation[place])]
    if any(map(_is_question, conversation)) and not asked and len(chosen) > leading:
        found.extend(_without_question(conversation))
    if sum(map(count, window)) > limit and len(asked) > 1:
        found.append("the window is above the limit and is not the newest turn alone")
    if len(chosen) > leading and not tool_result_ids(conversation[newest]):
        missing = set(range(chosen[leading], newest + 1)).difference(chosen)
        found.extend(
            f"message {place} is left out of the middle"
            for place in sorted(missing)
            if not tool_call_ids(conversation[place]) and not tool_result_ids(conversation[place])
        )
    return found


def _without_question(conversation: Sequence[ChatMessage]) -> list[str]:
    """Judge a window without a user message: the last exchange must be older than all of them."""
    wanted = set(tool_result_ids(conversation[-1]))
    first = next(place for place, message in enumerate(conversation) if _is_question(message))
    if any(not wanted.isdisjoint(tool_call_ids(message)) for message in conversation[:first]):
        return []
    return ["the window holds no user message"]


def _is_apart(conversation: Sequence[ChatMessage], place: int) -> bool:
    """Tell whether a message is a result that answers no call that is still open."""
    answers = tool_result_ids(conversation[place])
    if not answers:
        return False
    for caller in range(place - 1, -1, -1):
        called = tool_call_ids(conversation[caller])
        if set(answers) & set(called):
            for message in conversation[caller + 1 : place]:
                results = tool_result_ids(message)
                if set(results) <= set(called):
                    called = [name for name in called if name not in results]
            return not set(answers) <= set(called)
    return True


def _is_question(message: ChatMessage) -> bool:
    return message.role is MessageRole.USER and not tool_result_ids(message)


def _count_leading(messages: Sequence[ChatMessage]) -> int:
    for place, message in enumerate(messages):
        if message.role not in _INSTRUCTIONS:
            return place
    return len(messages)
