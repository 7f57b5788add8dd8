"""Calls cost the same at any length of the conversation and any number of conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core import ChatStore
from chatstore.core.memory import ChatMemoryBuffer
from chatstore.core.testing.contract.base import Base, require
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness, Counts
from chatstore.core.testing.messages import message

_SHORT, _LONG = 20, 600
_FEW, _MANY = 4, 80  # conversations
_OWNED = 12
Act = Callable[[ChatStore, Caller, str, int], object]


def _window(store: ChatStore, call: Caller, key: str, _: int) -> object:
    buffer: Any = ChatMemoryBuffer(20, store, key, tokenizer_fn=lambda text: text.split())
    return call(buffer, "get")


def _list(store: ChatStore, call: Caller, *_: object) -> object:
    return call(store, "list_conversations", owner="ann", limit=5)


# Each call is made several times, with numbers from 0. The last ones shorten the conversation.
_CALLS: dict[str, Act] = {
    "append": lambda store, call, key, _: call(store, "add_message", key, message("new")),
    "window": _window,
    "newest": lambda store, call, key, _: call(store, "get_messages", key, last=5),
    "count": lambda store, call, key, _: call(store, "count_messages", key),
    "put": lambda store, call, key, n: call(store, "put_message", key, message(f"{n}", id="7")),
    "put-new": lambda store, call, key, n: call(store, "put_message", key, message("", id=f"n{n}")),
    "get": lambda store, call, key, _: call(store, "get_message", key, "8"),
    "page-before": lambda store, call, key, _: call(
        store, "page_messages", key, limit=4, before="9"
    ),
    "page-after": lambda store, call, key, _: call(store, "page_messages", key, limit=4, after="9"),
    "conversation": lambda store, call, key, _: call(store, "get_conversation", key),
    "update": lambda store, call, key, n: call(store, "update_conversation", key, title=str(n)),
    "re-own": lambda store, call, key, n: call(store, "update_conversation", key, owner=str(n)),
    "snapshot": lambda store, call, key, _: call(store, "snapshot", key, last=5),
    "remove-by-id": lambda store, call, key, n: call(store, "remove_message", key, str(10 + n)),
    "remove": lambda store, call, key, _: call(store, "delete_last_message", key),
    "truncate": lambda store, call, key, n: call(store, "truncate", key, from_id=f"end{9 - 2 * n}"),
}


class Costs(Base):
    @pytest.mark.parametrize("written", ["at-once", "in-batches"])
    def test_cost_does_not_grow(
        self, harness: ContractHarness, store: ChatStore, call: Caller, written: str
    ) -> None:
        """With 30 times as many messages, a call makes at most 1.5 times the requests and work."""
        require(harness, "counts")
        for key, size in [("short", _SHORT), ("long", _LONG)]:
            messages = [message(f"message {number}", id=str(number)) for number in range(size)]
            messages[10:10] = [message("x") for _ in range(3)]
            messages += [message("y", id=f"end{number}") for number in range(10)]
            step = len(messages) if written == "at-once" else _SHORT
            call(store, "create_conversation", key, owner="ann")
            for start in range(0, len(messages), step):
                call(store, "add_messages", key, messages[start : start + step])
        complaints = []
        for name, act in _CALLS.items():
            short, long = (_cost(harness, store, call, act, key) for key in ("short", "long"))
            if long.requests > 1.5 * short.requests + 1:
                complaints.append(f"{name}: requests: {short} to {long}")
            if long.work > 1.5 * short.work + 0.1 * _LONG:
                complaints.append(f"{name}: work: {short} to {long}")
        assert not complaints, "; ".join(complaints)

    @pytest.mark.parametrize("whose", ["others", "own"])
    def test_owners_list_costs_what_a_page_has(
        self, harness: ContractHarness, store: ChatStore, call: Caller, whose: str
    ) -> None:
        """More conversations of others, or more pages of the owner, do not change the cost."""
        require(harness, "counts")
        costs = []

        def create(start: int, end: int, owner: str | None) -> None:
            for number in range(start, end):
                name = f"{number % 3}" if owner is None else owner
                key = f"{name}-{number}"
                call(store, "create_conversation", key, owner=name, title="t" * 50)
                call(store, "add_message", key, message("x"))

        create(0, _OWNED, "ann")
        for start, end in [(0, _FEW), (_FEW, _MANY)]:
            create(start + _OWNED, end + _OWNED, None if whose == "others" else "ann")
            costs.append(_cost(harness, store, call, _list, ""))
        few, many = costs
        assert many.requests <= few.requests, f"requests: {few} to {many}"
        assert many.work <= 1.2 * few.work + 0.1 * _MANY, f"work: {few} to {many}"


def _cost(harness: ContractHarness, store: ChatStore, call: Caller, act: Act, key: str) -> Counts:
    """Return the lowest cost of a call: the first one may open connections and fill caches."""
    costs = []
    for number in range(4):
        before = harness.counts()
        act(store, call, key, number)
        after = harness.counts()
        costs.append(Counts(after.requests - before.requests, after.work - before.work))
    assert max(costs).requests > 0, "counts() does not count what the store does"
    return min(costs)
