"""Pairing of tool calls and results by id and order: ids may be missing or repeated.

Calls and results are counted, never compared as sets. The newest message with calls chooses
first, among the results behind it; each of its calls takes the earliest result that matches best:

1. the same id and the same tool name;
2. the same id;
3. for a call without an id: the result's id is the tool name (LlamaIndex with Ollama), or the
   result has no id either and the tool name is the same;
4. the result has no id, and the names do not differ: the order decides.

So the pairs in a part of the conversation never depend on older messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from chatstore.core.messages import ChatMessage
from chatstore.core.tool_calls import ToolReference, call_references, result_references

T = TypeVar("T", bound=Hashable)


class Pair(NamedTuple):
    """A call and its result, each as the index of a message and the index within it."""

    call_message: int
    call: int
    result_message: int
    result: int


class OpenResults(Generic[T]):
    """Results whose calls are not known yet, collected from the newest message backwards."""

    def __init__(self) -> None:
        """Start without results."""
        self._by_key: defaultdict[Hashable, list[T]] = defaultdict(list)
        self._open: set[T] = set()

    def add(self, result: T, reference: ToolReference) -> None:
        """Add the next older result."""
        self._open.add(result)
        for key in _result_keys(reference):
            self._by_key[key].append(result)

    def take(self, calls: Sequence[ToolReference]) -> list[T | None]:
        """Remove and return the result of each call of a message that is older than all results."""
        taken: list[T | None] = [None] * len(calls)
        if not self._open:
            return taken
        for keys in zip(*map(_call_keys, calls), strict=True):
            for index, key in enumerate(keys):
                if taken[index] is None and key is not None:
                    taken[index] = self._take(key)
        return taken

    def _take(self, key: Hashable) -> T | None:
        candidates = self._by_key.get(key)
        while candidates:
            result = candidates.pop()
            if result in self._open:
                self._open.discard(result)
                return result
        return None


def pair_calls(messages: Iterable[ChatMessage]) -> list[Pair]:
    """Return which result answers which call, in the order of the calls.

    Calls without a result and results without a call are left out.
    """
    pairs: list[Pair] = []
    results: OpenResults[tuple[int, int]] = OpenResults()
    listed = list(messages)
    for index in range(len(listed) - 1, -1, -1):
        answers = result_references(listed[index])
        for number in range(len(answers) - 1, -1, -1):
            results.add((index, number), answers[number])
        taken = results.take(call_references(listed[index]))
        pairs += [Pair(index, call, *result) for call, result in enumerate(taken) if result]
    return sorted(pairs)


class CallIds(NamedTuple):
    """Unique ids of calls, by the index of the message and the index of the call within it.

    Attributes:
        calls: The id of each call.
        results: For each result that answers a call, the id of that call.
        tools: The name of the tool for each id, since results may lack it.

    """

    calls: dict[tuple[int, int], str]
    results: dict[tuple[int, int], str]
    tools: dict[str, str]


def unique_call_ids(messages: Iterable[ChatMessage], *, unchanged: Container[int] = ()) -> CallIds:
    """Return unique ids of calls, for frameworks that pair results by the call's id alone.

    A call's own id is kept, unless it is missing, or an earlier call or an unchanged message has
    it.

    Args:
        messages: The messages.
        unchanged: Indexes of messages that keep their ids in any case, and so do the calls that
            their results answer.

    """
    listed = list(messages)
    pairs = pair_calls(listed)
    calls: dict[tuple[int, int], str] = {}
    tools: dict[str, str] = {}
    fixed = {(pair.call_message, pair.call) for pair in pairs if pair.result_message in unchanged}
    taken: set[str] = {call.id for message in listed for call in call_references(message)}
    used = {""}
    for index, message in enumerate(listed):
        for number, call in enumerate(call_references(message)):
            if index in unchanged:
                fixed.add((index, number))
            if (index, number) in fixed:
                used.add(call.id)
    for index, message in enumerate(listed):
        for number, call in enumerate(call_references(message)):
            call_id = call.id
            if call_id in used and (index, number) not in fixed:
                call_id = f"{call.id or call.name or 'call'}-{message.id or index}-{number}"
                while call_id in taken:
                    call_id += "-"
            used.add(call_id)
            taken.add(call_id)
            calls[index, number] = call_id
            tools[call_id] = call.name
    results = {
        (pair.result_message, pair.result): calls[pair.call_message, pair.call] for pair in pairs
    }
    return CallIds(calls, results, tools)


def _call_keys(call: ToolReference) -> tuple[Hashable, ...]:
    """Return the keys under which a call's result may be, best first; `None` matches nothing."""
    if call.id:
        without_id = ("without id", call.name) if call.name else ("without id",)
        return (
            ("id and name", call.id, call.name),
            ("id", call.id),
            None,
            without_id,
            ("without id", ""),
        )
    if call.name:
        return (
            None,
            None,
            ("id", call.name),
            ("without id", call.name),
            ("without id", ""),
        )
    return (None, None, None, ("without id",), None)


def _result_keys(result: ToolReference) -> list[Hashable]:
    if result.id:
        return [("id", result.id), ("id and name", result.id, result.name)]
    return [("without id",), ("without id", result.name)]
