"""``OwnerIndex``: no conversation is missing from its owner's list, whatever runs or ends when."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from indexed_backend import IndexedBackend, Lists, TwoSpaces

from chatstore.core import ChatStore, CorruptStoreError, operations
from chatstore.core.backend import Plan, run
from chatstore.core.backend.owner_index import STALE_AFTER
from chatstore.core.simple import Conversations
from chatstore.core.testing.messages import message

Operation = Callable[[IndexedBackend], Plan[Conversations, Any]]
_MAX_STEPS = 12


def _create(owner: str) -> Operation:
    return lambda backend: operations.create_conversation(backend, "k", owner)


def _give_to(owner: str | None) -> Operation:
    return lambda backend: operations.update_conversation(backend, "k", owner)


def _delete(backend: IndexedBackend) -> Plan[Conversations, Any]:
    return operations.delete_messages(backend, "k")


def _append(backend: IndexedBackend) -> Plan[Conversations, Any]:
    return operations.add_message(backend, "k", message("x"))


def _list(backend: IndexedBackend) -> Plan[Conversations, Any]:
    return operations.list_conversations(backend, "ann", 50, None)


_OPERATIONS: dict[str, Operation] = {
    "create-ann": _create("ann"),
    "create-bob": _create("bob"),
    "give-to-ann": _give_to("ann"),
    "give-to-bob": _give_to("bob"),
    "give-to-nobody": _give_to(None),
    "delete": _delete,
    "append": _append,
    "list": _list,
}


class Process:
    """Runs an operation step by step; it may end at any step, as a killed process does."""

    def __init__(self, backend: IndexedBackend, operation: Operation) -> None:
        self._backend = backend
        self._plan = operation(backend)
        self._result: Any = None
        self.is_ended = False

    def step(self) -> None:
        if self.is_ended:
            return
        try:
            result = self._plan.send(self._result)(self._backend.conversations)
        except Exception:  # the plan ended, or refuses: the conversation exists or is missing
            self.is_ended = True
        else:
            self._result = result


def _schedules(length: int) -> Iterator[tuple[int, ...]]:
    """Yield which of two processes makes each step; the rest of both is never run."""
    for size in range(length + 1):
        yield from itertools.product((0, 1), repeat=size)


def _check(backend: IndexedBackend) -> None:
    """Check that each owner's list equals what exists, and shows each conversation once."""
    store = ChatStore(backend)
    existing = list(store.iter_conversations())
    for owner in ("ann", "bob"):
        listed = [one.key for one in store.list_conversations(owner=owner).conversations]
        assert listed == [one.key for one in existing if one.owner == owner], owner


@pytest.mark.parametrize("before", ["nothing", "ann's", "plain"])
@pytest.mark.parametrize("second", _OPERATIONS)
@pytest.mark.parametrize("first", _OPERATIONS)
def test_two_processes_that_end_at_any_step(first: str, second: str, before: str) -> None:
    """Any two operations, any order of their steps, and a crash of either after any step."""
    for schedule in _schedules(8):
        backend = IndexedBackend()
        if before == "ann's":
            run(_create("ann")(backend), backend.conversations)
        elif before == "plain":
            run(_append(backend), backend.conversations)
        both = [Process(backend, _OPERATIONS[name]) for name in (first, second)]
        for turn in schedule:
            both[turn].step()
        _check(backend)


def _entries(backend: IndexedBackend) -> list[Any]:
    assert isinstance(backend.conversations, TwoSpaces)
    lists = backend.conversations.lists.by_key.values()
    return [json.loads(record.body) for one in lists for record in one.records]


def test_entries_without_conversation_are_removed_when_they_are_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = IndexedBackend()
    process = Process(backend, _create("ann"))
    process.step()
    assert len(_entries(backend)) == 1
    _check(backend)
    assert len(_entries(backend)) == 1, "the creator may still be at work"
    now = _entries(backend)[0]["refreshed"]
    monkeypatch.setattr("time.time", lambda: now + STALE_AFTER + 1)
    _check(backend)
    assert _entries(backend) == []


def test_nothing_is_left_of_deleted_conversations() -> None:
    backend = IndexedBackend()
    store = ChatStore(backend)
    for key in "abc":
        store.create_conversation(key, owner="ann")
    store.update_conversation("b", owner="bob")
    for key in "abc":
        store.delete_messages(key)
    assert _entries(backend) == []


def test_a_refused_creation_leaves_no_entry() -> None:
    backend = IndexedBackend()
    store = ChatStore(backend)
    store.create_conversation("k", owner="ann")
    with pytest.raises(Exception, match="exists already"):
        store.create_conversation("k", owner="bob")
    assert len(_entries(backend)) == 1


@pytest.mark.parametrize("body", ["{", "[]", "7", '{"id":1,"key":"k","refreshed":1}', '{"id":"e"}'])
def test_a_damaged_entry_is_reported(body: str) -> None:
    backend = IndexedBackend()
    store = ChatStore(backend)
    store.create_conversation("k", owner="ann")
    assert isinstance(backend.conversations, TwoSpaces)
    [entries] = backend.conversations.lists.by_key.values()
    entries.records[0] = entries.records[0]._replace(body=body)
    with pytest.raises(CorruptStoreError, match="owner"):
        store.list_conversations(owner="ann")


def test_a_list_that_lost_parts_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = IndexedBackend()
    store = ChatStore(backend)
    for key, owner in [("a", "ann"), ("b", "ann"), ("c", "bob")]:
        store.create_conversation(key, owner=owner)
    store.add_message("a", message("x"))
    assert not run(backend.index.repair("ann", backend), backend.conversations)

    def count(*_: object) -> int:
        raise CorruptStoreError("parts are lost")

    assert isinstance(backend.conversations, TwoSpaces)
    backend.conversations.lists.by_key.clear()
    monkeypatch.setattr(Lists, "count", count)
    assert run(backend.index.repair("ann", backend), backend.conversations)
    assert [one.key for one in store.list_conversations(owner="ann").conversations] == ["a", "b"]
    assert len(_entries(backend)) == 2
