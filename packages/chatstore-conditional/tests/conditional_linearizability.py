"""Checks whether a history of calls could come from one list with one caller at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chatstore.core.backend import Record


class Unknown:
    """The result of a call whose outcome is unknown."""


class State(NamedTuple):
    """A conversation as a plain list, and when it ends."""

    items: tuple[Record, ...] = ()
    expiry: float = math.inf


class Call(NamedTuple):
    """A call, with the steps at which it began and ended, and its result.

    `now` and `ttl` are seconds; when the clock moves, the history has a call for it.
    """

    client: int
    name: str
    arguments: tuple[Any, ...]
    started: float
    ended: float
    result: Any
    now: float = 0.0
    ttl: float = math.inf


def is_linearizable(history: Sequence[Call]) -> bool:
    """Search for an order that explains all results (Wing and Gong's search, with memory)."""
    calls = [call for call in history if call.result is not Unknown or call.name in _WRITING]
    needed = sum(1 << number for number, call in enumerate(calls) if call.result is not Unknown)
    seen = set()
    left = [(0, State())]
    while left:
        here = left.pop()
        done, state = here
        if done & needed == needed:
            return True
        if here in seen:
            continue
        seen.add(here)
        open_calls = [(n, call) for n, call in enumerate(calls) if not done >> n & 1]
        first_end = min(call.ended for _, call in open_calls)
        for number, call in reversed(open_calls):
            if call.started <= first_end:
                result, following = apply(call, state)
                if call.result is Unknown or call.result == result:
                    left.append((done | 1 << number, following))
    return False


def apply(call: Call, state: State) -> tuple[Any, State]:
    """Return a call's result on a list, and the list after it."""
    result, items = _MODEL[call.name](state.items, *call.arguments)
    if call.name == "jump":
        return result, state if call.now < state.expiry else State()
    if items is None:
        return result, state
    return result, State(items, call.now + call.ttl if items else math.inf)


Items = tuple[Record, ...]
Applied = tuple[Any, "Items | None"]  # no list: nothing was written


def _append(items: Items, records: Sequence[Record]) -> Applied:
    return _insert(items, len(items), *records)


def _insert(items: Items, index: int, *records: Record) -> Applied:
    named = {record.id for record in records if record.has_caller_id}
    existing = frozenset((item.id, item.body) for item in items if item.id in named)
    if existing:
        return existing, None
    after = list(items)
    after[index:index] = records
    return existing, tuple(after)


def _remove(items: Items, index: int) -> Applied:
    if not -len(items) <= index < len(items):
        return None, None
    after = list(items)
    return after.pop(index).body, tuple(after)


def _window(items: Items, last: int, first: int) -> Applied:
    bodies = [item.body for item in items]
    return (tuple(bodies[-last:]), tuple(bodies[:first])), None


_MODEL: dict[str, Callable[..., Applied]] = {
    "append": _append,
    "insert": _insert,
    "replace": lambda _, records: (None, tuple(records)),
    "remove": _remove,
    "delete": lambda items: (None, () if items else None),
    "read": lambda items: (tuple(item.body for item in items), None),
    "window": _window,
    "count": lambda items: (len(items), None),
    "purge": lambda _: (None, None),
    "jump": lambda _: (None, None),
}
_WRITING = {"append", "insert", "replace", "remove", "delete"}
