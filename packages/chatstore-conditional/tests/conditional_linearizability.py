"""Checks whether a history of calls could come from one list with one caller at a time.

Revisions are opaque: a call that reads one binds it to the state that it read. So a call with an
expected revision takes effect exactly in the state to which this revision was bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chatstore.core.backend import ConversationRecord, Record

NO_RECORD = ConversationRecord()


class Unknown:
    """The result of a call whose outcome is unknown."""


class Conflict:
    """The result of a call that expected another revision."""


class Facts(NamedTuple):
    """What a reader sees of a conversation, without the ids of entries in lists."""

    record: ConversationRecord
    length: int
    revision: str


class State(NamedTuple):
    """A conversation as a plain list, and when it ends.

    Attributes:
        items: The messages.
        expiry: When it expires.
        record: Its record.
        revision: Its revision, if a call has read it since the last write.
        revisions: All revisions that were read until now.

    """

    items: tuple[Record, ...] = ()
    expiry: float = math.inf
    record: ConversationRecord = NO_RECORD
    revision: str | None = None
    revisions: frozenset[str] = frozenset()

    @property
    def exists(self) -> bool:
        """Whether there is a conversation."""
        return bool(self.items) or self.record.outlasts_messages


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
    expected_revision: str | None = None


def is_linearizable(history: Sequence[Call]) -> bool:
    """Search for an order that explains all results (Wing and Gong's search, with memory)."""
    calls = [call for call in history if call.result is not Unknown or call.name not in _READING]
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
    if call.name == "jump":
        is_alive = call.now < state.expiry
        return None, state if is_alive else State(revisions=state.revisions)
    if call.name == "look":
        return _look(call, state)
    result, changed = _MODEL[call.name](state, *call.arguments)
    comes_first = (call.name in {"append", "insert"} and result) or result is False
    if not comes_first and _conflicts(call, state):
        return Conflict, state
    if changed is None:
        return result, state
    if not changed.exists:
        return result, State(revisions=state.revisions)
    return result, changed._replace(expiry=call.now + call.ttl, revision=None)


def _conflicts(call: Call, state: State) -> bool:
    expected = call.expected_revision
    return expected is not None and (not state.exists or expected != state.revision)


def _look(call: Call, state: State) -> tuple[Any, State]:
    """Compare what a reader saw; its revision becomes known."""
    if not state.exists:
        return None, state
    revision = call.result.revision if isinstance(call.result, Facts) else None
    if state.revision is None and revision is not None and revision not in state.revisions:
        state = state._replace(revision=revision, revisions=state.revisions | {revision})
    return Facts(state.record, len(state.items), state.revision or ""), state


Applied = tuple[Any, "State | None"]  # no state: nothing was written


def _append(state: State, records: Sequence[Record]) -> Applied:
    return _insert(state, len(state.items), *records)


def _insert(state: State, index: int, *records: Record) -> Applied:
    named = {record.id for record in records if record.has_caller_id}
    existing = frozenset((item.id, item.body) for item in state.items if item.id in named)
    if existing:
        return existing, None
    after = list(state.items)
    after[index:index] = records
    return existing, state._replace(items=tuple(after))


def _put(state: State, record: Record, moves_to_end: bool) -> Applied:
    after = list(state.items)
    at = _at(state, record.id)
    if at is None:
        after.append(record)
    elif moves_to_end:
        after = [*after[:at], *after[at + 1 :], record]
    else:
        after[at] = record
    return None, state._replace(items=tuple(after))


def _remove(state: State, target: int | str) -> Applied:
    at = target if isinstance(target, int) else _at(state, target)
    if at is None or not -len(state.items) <= at < len(state.items):
        return None, None
    after = list(state.items)
    return after.pop(at).body, state._replace(items=tuple(after))


def _truncate(state: State, message_id: str) -> Applied:
    at = _at(state, message_id)
    if at is None:
        return 0, None
    return len(state.items) - at, state._replace(items=state.items[:at])


def _create(state: State, record: ConversationRecord, records: Sequence[Record]) -> Applied:
    if state.exists:
        return False, None
    return True, State(tuple(records), record=record, revisions=state.revisions)


def _update(state: State, owner: str | None, title: str | None, metadata: str | None) -> Applied:
    if not state.exists:
        return False, None
    record = state.record._replace(owner=owner, title=title, metadata=metadata)
    return True, None if record == state.record else state._replace(record=record)


def _replace(state: State, records: Sequence[Record]) -> Applied:
    if not (records or state.exists):
        return None, None
    return None, state._replace(items=tuple(records))


def _find(state: State, message_id: str) -> Applied:
    at = _at(state, message_id)
    return (None if at is None else state.items[at].body), None


def _window(state: State, last: int, first: int) -> Applied:
    bodies = [item.body for item in state.items]
    return (tuple(bodies[-last:]), tuple(bodies[:first])), None


def _at(state: State, message_id: str) -> int | None:
    ids = [item.id for item in state.items]
    return ids.index(message_id) if message_id in ids else None


_MODEL: dict[str, Callable[..., Applied]] = {
    "append": _append,
    "insert": _insert,
    "put": _put,
    "replace": _replace,
    "remove": _remove,
    "truncate": _truncate,
    "create": _create,
    "update": _update,
    "delete": lambda state: (None, State(revisions=state.revisions) if state.exists else None),
    "read": lambda state: (tuple(item.body for item in state.items), None),
    "find": _find,
    "window": _window,
    "count": lambda state: (len(state.items), None),
    "purge": lambda _: (None, None),
}
_READING = {"read", "find", "window", "count", "purge", "look", "jump"}
