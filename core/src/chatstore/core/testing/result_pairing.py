"""Find the call that a result answers, starting at the oldest message."""

from __future__ import annotations

from collections.abc import Sequence

from chatstore.core.messages import ChatMessage
from chatstore.core.tool_calls import ToolReference, call_references, result_references

_MAX_MISFIT = 3


def pair_exchange(
    calls: Sequence[ToolReference], results: Sequence[ToolReference]
) -> tuple[list[ToolReference], list[ToolReference]]:
    """Pair the calls and results of one exchange; return those that have no partner."""
    open_calls, open_results = list(calls), list(results)
    for misfit in range(_MAX_MISFIT + 1):  # those that fit best first
        for result in list(open_results):
            call = _best_call(open_calls, result, misfit)
            if call is not None:
                del open_calls[call]
                open_results.remove(result)
    return open_calls, open_results


def call_of_newest(conversation: Sequence[ChatMessage]) -> int | None:
    """Return the index of the message whose call the newest message answers, or ``None``."""
    unanswered: list[list[ToolReference]] = []
    for index, message in enumerate(conversation):
        unanswered.append(call_references(message))
        for result in result_references(message):
            caller = _answer(unanswered, result)
            if caller is not None and index == len(conversation) - 1:
                return caller
    return None


def is_certainly_answer(conversation: Sequence[ChatMessage]) -> bool:
    """Return whether the newest message answers a call that no other result may answer."""
    caller = call_of_newest(conversation)
    if caller is None:
        return False
    calls = sum(len(call_references(message)) for message in conversation[caller:])
    results = sum(len(result_references(message)) for message in conversation[caller:])
    has_id = all(result.id for result in result_references(conversation[-1]))
    return has_id or results <= calls


def _answer(unanswered: Sequence[list[ToolReference]], result: ToolReference) -> int | None:
    """Remove the call that a result answers: one with its id if possible, else the nearest."""
    for misfit in (1, _MAX_MISFIT):
        for caller in range(len(unanswered) - 1, -1, -1):
            call = _best_call(unanswered[caller], result, misfit)
            if call is not None:
                del unanswered[caller][call]
                return caller
    return None


def _best_call(
    calls: Sequence[ToolReference], result: ToolReference, max_misfit: int
) -> int | None:
    """Return the index of the call that a result answers: the first of those that fit best."""
    fits = [(_misfit(call, result), index) for index, call in enumerate(calls)]
    misfit, index = min(fits, default=(None, 0))
    return None if misfit is None or misfit > max_misfit else index


def _misfit(call: ToolReference, result: ToolReference) -> int:
    """Return how badly a result fits a call, from 0; above `_MAX_MISFIT` it is not the answer."""
    same_name = call.name == result.name
    if result.id and call.id:
        return (0 if same_name else 1) if call.id == result.id else 4
    if result.id:
        return 2 if result.id == call.name else 4
    if not call.id and call.name and same_name:
        return 2
    return 3 if not call.name or not result.name or same_name else 4
