"""Owners' conversations are listed by an index of the container, in exact order."""

from __future__ import annotations

from typing import Any

import pytest
from cosmos_database_calls import Call
from cosmos_double import CosmosDouble

from chatstore.conditional import HeadWrite
from chatstore.cosmos.database import CosmosDatabase
from chatstore.cosmos.owners import owned_value

database = CosmosDatabase("the double", create=True, timeout=60.0)
NOW = 1_800_000_000.0


def write(
    call: Call, key: str, owner: str | None, updated_at: float, expected: str | None = None
) -> str:
    head = HeadWrite(expected, key, owner=owner, updated_at=updated_at)
    version: str = call(database.commit(key, head))
    return version


def listed(call: Call, owner: str, limit: int = 3) -> list[str]:
    """Return all keys of an owner, read in pages."""
    keys: list[str] = []
    cursor: Any = None
    while True:
        page, cursor = call(database.list_owned(owner, limit, cursor))
        assert all(key == head for key, (head, _) in page)
        assert len(page) == limit or cursor is None
        keys += [key for key, _ in page]
        if cursor is None:
            return keys


@pytest.mark.parametrize("partitions", [1, 3])
def test_the_newest_is_first(call: Call, double: CosmosDouble, partitions: int) -> None:
    double.service.partitions = partitions
    for number in range(10):
        write(call, f"k{number}/é", "ann", NOW + number / 1000)
        write(call, f"other{number}", "bob", NOW + number)
        write(call, f"none{number}", None, NOW + number)
    assert listed(call, "ann") == [f"k{number}/é" for number in reversed(range(10))]
    assert listed(call, "ann", limit=5) == listed(call, "ann", limit=100)
    assert listed(call, "carl") == []


def test_times_that_are_equal_still_have_an_order(call: Call) -> None:
    keys = [f"k{number}" for number in range(7)]
    for key in keys:
        write(call, key, "ann", NOW)
    assert listed(call, "ann", limit=2) == sorted(keys, reverse=True)


def test_a_write_moves_a_conversation_and_another_owner_takes_it(call: Call) -> None:
    versions = {key: write(call, key, "ann", NOW + n) for n, key in enumerate("abc")}
    versions["a"] = write(call, "a", "ann", NOW + 5, versions["a"])
    assert listed(call, "ann") == ["a", "c", "b"]
    versions["a"] = write(call, "a", "bob", NOW + 6, versions["a"])
    assert (listed(call, "ann"), listed(call, "bob")) == (["c", "b"], ["a"])
    write(call, "a", None, NOW + 7, versions["a"])
    assert listed(call, "bob") == []


@pytest.mark.parametrize("owner", ["a" * 255, "é\0😀", "/\\?#'\"", " "])
def test_any_owner(call: Call, owner: str) -> None:
    write(call, "k", owner, NOW)
    assert listed(call, owner) == ["k"]
    assert listed(call, owner[:-1] or "x") == []


def test_values_sort_by_owner_then_time() -> None:
    times = [-5.0, 0.0, 0.25, 9.0, 10.0, NOW, NOW + 0.000001, 1e10]
    values = [owned_value("ann", time, "k") for time in times]
    assert values == sorted(values)
    assert len({value.partition(".")[0] for value in values}) == 1
    assert len({value.split(".")[1] for value in values}) == len(times) - 1


def test_a_page_costs_the_same_whatever_others_have(call: Call, double: CosmosDouble) -> None:
    """Requests, units and bytes stay; the owner's own conversations beyond the page, too."""

    def cost() -> list[Any]:
        double.requests.clear()
        page, _ = call(database.list_owned("ann", 10, None))
        assert len(page) == 10
        return [one for one in double.requests if one.kind in {"plan", "query"}]

    for number in range(20):
        write(call, f"a{number:03}", "ann", NOW + number)
    few = cost()
    for number in range(300):
        write(call, f"b{number:03}", f"bob{number % 3}", NOW + number)
        write(call, f"a{number:03}{number}", "ann", NOW - number)
    assert cost() == few
    assert [one.kind for one in few] == ["query", "plan", "query"]


def test_the_store_reads_its_own_list_from_a_lagging_replica(
    call: Call, double: CosmosDouble
) -> None:
    write(call, "a", "ann", NOW)
    double.service.lag = 100
    for number in range(5):
        write(call, f"k{number}", "ann", NOW + number)
    assert len(listed(call, "ann")) == 6


def test_heads_are_read_together(call: Call, double: CosmosDouble) -> None:
    double.service.partitions = 2
    keys = [f"k{number}/é" for number in range(30)]
    versions = {key: write(call, key, None, NOW) for key in keys}
    double.requests.clear()
    heads = call(database.read_heads([*keys, "missing", keys[0]]))
    assert heads == {key: (key, versions[key]) for key in keys}
    assert sum(one.kind == "query" for one in double.requests) == 1
    assert call(database.read_heads(["missing"])) == {}
    assert call(database.read_heads([])) == {}


def test_an_item_without_owner_has_no_property_of_owners(call: Call, double: CosmosDouble) -> None:
    """So conversations without owners cost what they cost without the index."""
    version = write(call, "k", "ann", NOW)
    write(call, "k", None, NOW, version)
    [item] = double.service.databases["chats"]["messages"].documents.scan('["k"]')
    document = item.document or {}
    own = {name for name in document if not name.startswith("_")}
    assert own == {"id", "conversation", "body", "ttl"}
