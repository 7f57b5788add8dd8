"""Which tool result belongs to which call: by id and order, where ids may be missing or repeated.

Calls and results are counted, never compared as sets. The newest message with calls chooses
first, among the results behind it; each of its calls takes the earliest result that fits best:

1. the same id and the same tool's name;
2. the same id;
3. for a call without an id: the result's id is the tool's name (LlamaIndex with Ollama), or the
   result has no id either and the tool's name is the same;
4. the result has no id, and the names do not differ: then the order alone decides.

So the pairs of a part of the conversation never depend on what is older.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from chatstore.core.messages import ChatMessage
from chatstore.core.tool_calls import ToolReference, call_references, result_references

T = TypeVar("T", bound=Hashable)


class Pair(NamedTuple):
    """A call and its result, as places: of a message, and of a call or result within it."""

    call_message: int
    call: int
    result_message: int
    result: int


class OpenResults(Generic[T]):
    """Results whose calls are not known yet, taken from the newest on."""

    def __init__(self) -> None:
        """Begin without results."""
        self._by_key: defaultdict[Hashable, list[T]] = defaultdict(list)
        self._open: set[T] = set()

    def add(self, result: T, reference: ToolReference) -> None:
        """Add a result that is older than all before."""
        self._open.add(result)
        for key in _result_keys(reference):
            self._by_key[key].append(result)

    def take(self, calls: Sequence[ToolReference]) -> list[T | None]:
        """Return the result of each call of one message, which is older than all results.

        The results are open no longer.
        """
        taken: list[T | None] = [None] * len(calls)
        if not self._open:
            return taken
        for keys in zip(*map(_call_keys, calls), strict=True):
            for place, key in enumerate(keys):
                if taken[place] is None and key is not None:
                    taken[place] = self._take(key)
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

    Calls without a result and results without a call are in none of the pairs. With this an
    adapter can give every call an id of its own, where its framework needs one.
    """
    pairs: list[Pair] = []
    results: OpenResults[tuple[int, int]] = OpenResults()
    listed = list(messages)
    for place in range(len(listed) - 1, -1, -1):
        answers = result_references(listed[place])
        for result in range(len(answers) - 1, -1, -1):
            results.add((place, result), answers[result])
        taken = results.take(call_references(listed[place]))
        pairs += [Pair(place, call, *found) for call, found in enumerate(taken) if found]
    return sorted(pairs)


class CallIds(NamedTuple):
    """An id of its own for each call, by the places of the message and of the call within it.

    ``results`` has, in the same form, the id of the call that each result answers; results
    without a call are not in it.
    """

    calls: dict[tuple[int, int], str]
    results: dict[tuple[int, int], str]


def unique_call_ids(messages: Iterable[ChatMessage]) -> CallIds:
    """Return ids for frameworks that find a result by its call's id alone.

    A call's own id is kept, unless it is missing or an earlier call has it.
    """
    listed = list(messages)
    calls: dict[tuple[int, int], str] = {}
    taken: set[str] = {call.id for message in listed for call in call_references(message)}
    used: set[str] = {""}
    for place, message in enumerate(listed):
        for number, call in enumerate(call_references(message)):
            identity = call.id
            if identity in used:
                identity = f"{call.id or call.name or 'call'}-{message.id or place}-{number}"
                while identity in taken:
                    identity += "-"
            used.add(identity)
            taken.add(identity)
            calls[place, number] = identity
    results = {
        (pair.result_message, pair.result): calls[pair.call_message, pair.call]
        for pair in pair_calls(listed)
    }
    return CallIds(calls, results)


def _call_keys(call: ToolReference) -> tuple[Hashable, ...]:
    """Return the keys under which a call's result may be, the best first; `None` fits nothing."""
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
