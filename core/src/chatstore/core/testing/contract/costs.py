"""An append, a window, a count and a removal cost the same at any length of the conversation."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core import ChatStore
from chatstore.core.memory import ChatMemoryBuffer
from chatstore.core.testing.contract.base import Base, require
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness, Counts
from chatstore.core.testing.messages import message

_SHORT, _LONG = 20, 600
_CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("add_message", ("k", message("new"))),
    ("get", ()),  # a window of a buffer
    ("get_messages", ("k",)),  # with last=5
    ("count_messages", ("k",)),
    ("delete_last_message", ("k",)),
]


class Costs(Base):
    @pytest.mark.parametrize(
        ("name", "args"), _CALLS, ids=["append", "window", "newest", "count", "remove"]
    )
    @pytest.mark.parametrize("written", ["at-once", "in-batches"])
    def test_cost_does_not_grow(
        self,
        harness: ContractHarness,
        store: ChatStore,
        call: Caller,
        name: str,
        args: Any,
        written: str,
    ) -> None:
        """With 30 times as many messages, a call makes at most 1.5 times the requests and work."""
        require(harness, "counts")
        costs = []
        for size in (_SHORT, _LONG):
            messages = [message(f"message {number}") for number in range(size)]
            step = size if written == "at-once" else size // 10
            call(store, "delete_messages", "k")
            for start in range(0, size, step):
                call(store, "add_messages", "k", messages[start : start + step])
            costs.append(_cost(harness, store, call, name, args))
        short, long = costs
        assert long.requests <= 1.5 * short.requests + 1, f"requests: {short} to {long}"
        assert long.work <= 1.5 * short.work + 0.1 * _LONG, f"work: {short} to {long}"


def _cost(harness: ContractHarness, store: ChatStore, call: Caller, name: str, args: Any) -> Counts:
    """Return the lowest cost of a call: the first one may open connections and fill caches."""
    buffer = ChatMemoryBuffer(20, store, "k", tokenizer_fn=lambda text: text.split())
    target: Any = buffer if name == "get" else store
    options = {"last": 5} if name == "get_messages" else {}
    costs = []
    for _ in range(4):
        before = harness.counts()
        call(target, name, *args, **options)
        after = harness.counts()
        costs.append(Counts(after.requests - before.requests, after.work - before.work))
    assert max(costs).requests > 0, "counts() does not count what the store does"
    return min(costs)
