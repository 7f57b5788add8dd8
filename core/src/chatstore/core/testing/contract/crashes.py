"""Calls whose process ends between two requests leave the state before or after the call."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from chatstore.core import ChatStore, Conversation, operations
from chatstore.core.backend import Backend, Plan, owner_index
from chatstore.core.testing.attempts import attempting
from chatstore.core.testing.contract.base import Base, require
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.interruptions import InterruptionError, interrupting
from chatstore.core.testing.messages import contents, message

Operation = Callable[[Backend[Any], str], Plan[Any, Any]]
_MAX_REQUESTS = 40  # of one call
_LONG = 30  # messages

_WRITES: dict[str, Operation] = {
    "append": lambda b, key: operations.add_messages(b, key, [message("x"), message("y")]),
    "insert": lambda b, key: operations.add_message(b, key, message("x", id="x"), 1),
    "put": lambda b, key: operations.put_message(b, key, message("edited", id="1")),
    "put-new": lambda b, key: operations.put_message(b, key, message("x", id="x")),
    "remove": lambda b, key: operations.remove_message(b, key, "1"),
    "truncate": lambda b, key: operations.truncate(b, key, "1"),
    "set": lambda b, key: operations.set_messages(b, key, [message("x", id="x")]),
    "update": lambda b, key: operations.update_conversation(b, key, title="x", metadata={"a": 1}),
}
_MEMBERSHIPS: dict[str, Operation] = {
    "create": lambda b, key: operations.create_conversation(b, f"{key}+", "ann"),
    "fork": lambda b, key: operations.fork(b, key, f"{key}+", owner="ann"),
    "give-to-ann": lambda b, key: operations.update_conversation(b, key, "ann"),
    "give-to-nobody": lambda b, key: operations.update_conversation(b, key, None),
    "delete": operations.delete_messages,
    "erase": operations.delete_conversations,  # of the owner whose name is the key
}


def _begin(store: ChatStore, call: Caller, key: str) -> None:
    call(store, "create_conversation", key, title="t")
    messages = [message(str(number), id=str(number)) for number in range(_LONG)]
    call(store, "add_messages", key, messages)


def _state(store: ChatStore, call: Caller, key: str) -> tuple[list[Any], Any]:
    """Return the contents of the messages, and the conversation's record."""
    taken = call(store, "snapshot", key)
    one: Conversation | None = taken.conversation
    assert one is None or one.length == len(taken.messages) == call(store, "count_messages", key)
    record = None if one is None else (one.owner, one.title, one.metadata)
    return contents(taken.messages), record


class Crashes(Base):
    @pytest.mark.parametrize("name", _WRITES)
    def test_interrupted_writes_take_effect_as_a_whole(
        self, store: ChatStore, call: Caller, name: str
    ) -> None:
        """Wherever a call ends: all of it took effect or nothing, and the store works on."""

        _begin(store, call, "whole")
        before = _state(store, call, "whole")
        call(store, "run", name, _WRITES[name], "whole")
        after = _state(store, call, "whole")
        assert after != before
        for requests in range(_MAX_REQUESTS):
            key = f"k{requests}"
            _begin(store, call, key)
            build = interrupting(_WRITES[name], requests)
            attempt = call(attempting(store), "run", name, build, key)
            state = _state(store, call, key)
            if attempt.error is None:
                assert state == after
                break
            assert isinstance(attempt.error, InterruptionError), attempt.error
            assert state in (before, after), "the call took effect in part"
            call(store, "add_message", key, message("later"))
            assert _state(store, call, key)[0] == [*state[0], "later"]
        else:
            pytest.fail(f"{name} makes {_MAX_REQUESTS} requests or more")

    def test_interrupted_forks_appear_as_a_whole(self, store: ChatStore, call: Caller) -> None:
        _begin(store, call, "k")
        source = _state(store, call, "k")[0]
        for requests in range(_MAX_REQUESTS):
            new = f"f{requests}"
            build = interrupting(partial(operations.fork, new_key=new), requests)
            attempt = call(attempting(store), "run", "fork", build, "k")
            if attempt.error is not None and call(store, "get_conversation", new) is None:
                assert call(store, "get_messages", new) == []
                call(store, "fork", "k", new)
            assert _state(store, call, new)[0] == source, "the fork took effect in part"
            if attempt.error is None:
                break
        else:
            pytest.fail(f"fork makes {_MAX_REQUESTS} requests or more")

    @pytest.mark.parametrize("name", _MEMBERSHIPS)
    def test_interrupted_calls_keep_owners_lists_complete(
        self, store: ChatStore, call: Caller, name: str
    ) -> None:
        """Wherever a call ends, each owner's list equals what exists."""
        for requests in range(_MAX_REQUESTS):
            key = f"k{requests}"
            owner = key if name == "erase" else "bob"
            call(store, "create_conversation", key, owner=owner, title="t")
            call(store, "add_message", key, message("a"))
            build = interrupting(_MEMBERSHIPS[name], requests)
            attempt = call(attempting(store), "run", name, build, key)
            _check_lists(store, call, ["ann", owner])
            if attempt.error is None:
                break
            assert isinstance(attempt.error, InterruptionError), attempt.error
            call(attempting(store), "run", name, _MEMBERSHIPS[name], key)  # as a caller repeats it
            _check_lists(store, call, ["ann", owner])
        else:
            pytest.fail(f"{name} makes {_MAX_REQUESTS} requests or more")

    def test_interrupted_calls_leave_nothing_for_long(
        self,
        harness: ContractHarness,
        store: ChatStore,
        call: Caller,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Entries without a conversation go when an owner's list is read much later."""
        require(harness, "stored")
        call(store, "create_conversation", "first", owner="ann")
        call(store, "delete_messages", "first")
        before = harness.stored()
        for name in ("create", "give-to-ann", "delete"):
            for requests in range(_MAX_REQUESTS):
                key = f"{name}{requests}"
                call(store, "create_conversation", key, owner="ann" if name == "delete" else None)
                build = interrupting(_MEMBERSHIPS[name], requests)
                attempt = call(attempting(store), "run", name, build, key)
                for one in (key, f"{key}+"):
                    call(store, "delete_messages", one)
                if attempt.error is None:
                    break
        now = time.time() + 2 * owner_index.STALE_AFTER
        monkeypatch.setattr(owner_index, "time", SimpleNamespace(time=lambda: now))
        assert call(store, "list_conversations", owner="ann").conversations == []
        assert harness.stored() <= before, "interrupted calls left records behind"


def _check_lists(store: ChatStore, call: Caller, owners: list[str]) -> None:
    existing = drain(call.iterate(store, "iter_conversations"))
    for owner in owners:
        listed = drain(call.iterate(store, "iter_conversations", owner=owner))
        expected = sorted(one.key for one in existing if one.owner == owner)
        assert sorted(one.key for one in listed) == expected, "the list is not what exists"
