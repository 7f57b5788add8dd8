"""`ChatStoreMemory` does what LangGraph's own store in memory does, and keeps it."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from chatstore.core import InvalidArgumentError, SimpleChatStore, open_store
from chatstore.langgraph import ChatStoreMemory

LABELS = ["a", "b", "a/b", "é"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"count": 3},
    {"count": {"$gte": 2, "$lt": 6}},
    {"count": {"$ne": 3}},
    {"nested": {"name": "n1"}},
    {"nested": {"name": {"$eq": "n2"}}},
    {"missing": None},
]


def comparable(result: Any) -> Any:
    """Return a result without times; the order of a search is checked elsewhere."""
    if isinstance(result, Item):
        return result.namespace, result.key, str(result.value)
    if isinstance(result, list):
        return sorted(comparable(one) for one in result)
    return result


def random_namespace(choices: random.Random, least: int) -> tuple[str, ...]:
    """Return a namespace of up to three labels."""
    return tuple(choices.choices(LABELS, k=choices.randint(least, 3)))


def random_op(choices: random.Random) -> Any:
    """Return a random operation."""
    kind = choices.randrange(8)
    key = choices.choice(["k1", "k2", "K/1"])
    if kind < 3:
        value = {"count": choices.randrange(8), "nested": {"name": f"n{choices.randrange(4)}"}}
        return PutOp(random_namespace(choices, 1), key, value)
    if kind == 3:
        return PutOp(random_namespace(choices, 1), key, None)
    if kind == 4:
        return GetOp(random_namespace(choices, 1), key)
    if kind < 7:
        return SearchOp(random_namespace(choices, 0), choices.choice(FILTERS), limit=1000)
    path = tuple(choices.choices([*LABELS, "*"], k=choices.randint(1, 2)))
    conditions = [MatchCondition(choices.choice(["prefix", "suffix"]), path)]
    conditions = conditions * choices.randrange(2)
    return ListNamespacesOp(tuple(conditions), choices.choice([None, 1, 2]), limit=1000)


def expected_results(expected: InMemoryStore, ops: list[Any]) -> list[Any]:
    """Run operations; a copy lists namespaces, since the store lists those that were only read."""
    copy = InMemoryStore()
    for item in expected.search((), limit=1000):
        copy.put(item.namespace, item.key, item.value)
    listed = [copy.batch([op])[0] if isinstance(op, ListNamespacesOp) else None for op in ops]
    results: list[Any] = expected.batch(ops)
    return [
        names if isinstance(op, ListNamespacesOp) else result
        for op, names, result in zip(ops, listed, results, strict=True)
    ]


def test_same_results_as_langgraphs_store_in_memory() -> None:
    choices = random.Random(5)
    store = SimpleChatStore()
    expected, memory = InMemoryStore(), ChatStoreMemory(store)
    kinds: set[Any] = set()
    for _ in range(300):
        ops = [random_op(choices) for _ in range(choices.randint(1, 3))]
        kinds.update(type(op) for op in ops)
        oracle = expected_results(expected, ops)
        is_sync = choices.random() < 0.5
        results = memory.batch(ops) if is_sync else asyncio.run(memory.abatch(ops))
        assert list(map(comparable, results)) == list(map(comparable, oracle))
    everything = SearchOp((), limit=1000)
    [before] = ChatStoreMemory(store).batch([everything])
    assert comparable(before) == comparable(expected.batch([everything])[0])
    assert len(kinds) == 4


def test_items_are_kept(each_store_url: str) -> None:
    with open_store(each_store_url) as store:
        memory = ChatStoreMemory(store)
        memory.put(("memories", "alice"), "food", {"likes": "figs"})
        memory.put(("memories", "bob"), "food", {"likes": "nuts"})
        first = memory.get(("memories", "alice"), "food")
        memory.put(("memories", "alice"), "food", {"likes": "dates"})
    with open_store(each_store_url) as store:
        memory = ChatStoreMemory(store)
        item = asyncio.run(memory.aget(("memories", "alice"), "food"))
        assert first is not None
        assert item is not None
        assert item.value == {"likes": "dates"}
        assert item.created_at == first.created_at
        assert item.updated_at > first.updated_at
        [newest, other] = memory.search(("memories",))
        assert (newest.namespace, other.namespace) == (("memories", "alice"), ("memories", "bob"))
        assert memory.search(("memories",), limit=1, offset=1) == [other]
        memory.delete(("memories", "alice"), "food")
        assert memory.search(("memories",)) == [other]
        assert memory.list_namespaces() == [("memories", "bob")]
        assert ChatStoreMemory(store, name="other").search(()) == []


def test_mistakes_are_refused() -> None:
    memory = ChatStoreMemory(SimpleChatStore())
    with pytest.raises(InvalidArgumentError):
        ChatStoreMemory(SimpleChatStore(), name="")
    with pytest.raises(InvalidNamespaceError):
        memory.batch([PutOp(("a.b",), "key", {})])
    number: Any = 5
    with pytest.raises(InvalidArgumentError, match="must be a string, not int"):
        memory.batch([PutOp(("a",), number, {})])
    with pytest.raises(NotImplementedError, match="TTL"):
        memory.put(("a",), "key", {}, ttl=5)
    memory.put(("a",), "key", {"count": 1})
    with pytest.raises(ValueError, match=r"unknown operator '\$in' in a filter"):
        memory.search(("a",), filter={"count": {"$in": [1]}})
    assert memory.search(("a",), filter={"count": {"$gt": "text"}}) == []


@pytest.mark.parametrize(
    "value",
    [5, {"a": object()}, {"a": (1, 2)}, {"a": b"1"}, {"a": float("nan")}, {1: 2}, {"a": "\ud800"}],
    ids=["not an object", "object", "tuple", "bytes", "NaN", "number as a name", "surrogate"],
)
def test_values_that_are_not_json_are_refused_before_anything_is_sent(value: Any) -> None:
    store = SimpleChatStore()
    memory = ChatStoreMemory(store)
    with pytest.raises(InvalidArgumentError):
        memory.batch([PutOp(("a",), "good", {}), PutOp(("a",), "bad", value)])
    with pytest.raises(InvalidArgumentError, match="surrogate"):
        memory.batch([PutOp(("a",), "good", {}), PutOp(("a",), "\ud800", {})])
    assert store.get_keys() == []
    with pytest.raises(InvalidArgumentError, match="surrogate"):
        memory.get(("a",), "\ud800")
