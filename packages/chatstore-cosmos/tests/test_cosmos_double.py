"""Seen through the official SDK, the double behaves as the service's documentation says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey, exceptions
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from cosmos_calls import batch_statuses, ids, item, status
from cosmos_documents import MAX_ITEM_BYTES
from cosmos_double import LOST, LOST_REPLY, CosmosDouble, Fault
from cosmos_query import Query
from cosmos_rejections import RejectedError

MIB = 1024 * 1024


# ---------------------------------------------------------------------- documents


def test_create_read_replace_upsert_delete(container: ContainerProxy) -> None:
    made = container.create_item(item("1", text="é\0😀"))
    assert status(container.create_item, item("1")) == 409
    read = container.read_item("1", "a")
    assert (read["text"], read["_etag"], read["id"]) == ("é\0😀", made["_etag"], "1")
    assert isinstance(read["_ts"], int)
    replaced = container.replace_item("1", item("1", text="b"))
    assert replaced["_etag"] != made["_etag"]
    assert status(container.replace_item, "2", item("2")) == 404
    container.upsert_item(item("2"))
    container.upsert_item(item("2", text="c"))
    assert container.read_item("2", "a")["text"] == "c"
    container.delete_item("1", "a")
    assert status(container.read_item, "1", "a") == 404
    assert status(container.delete_item, "1", "a") == 404


def test_partitions_are_apart(container: ContainerProxy) -> None:
    container.create_item(item("1", "a"))
    container.create_item(item("1", "b"))
    container.delete_item("1", "a")
    assert (ids(container, key="a"), ids(container, key="b")) == ([], ["1"])


@pytest.mark.parametrize(
    ("item_id", "expected"),
    [
        ("x" * 1023, 200), ("x" * 1024, 400), ("é" * 511, 200), ("é" * 512, 400),
        ("a/b", 400), ("a\\b", 400), ("a?b", 400), ("a#b", 400), ("a=b %", 200),
    ],
)  # fmt: skip
def test_ids(container: ContainerProxy, item_id: Any, expected: Any) -> None:
    # The SDK itself rejects some ids; in a batch, all of them reach the service.
    statuses = batch_statuses(container, [("create", (item(item_id),))])
    assert statuses == [201 if expected == 200 else 400]


@pytest.mark.parametrize(("size", "expected"), [(2048, 200), (2049, 400)])
def test_partition_keys(container: ContainerProxy, size: Any, expected: Any) -> None:
    assert status(container.create_item, item("1", "k" * size)) == expected


@pytest.mark.parametrize(("more", "expected"), [(0, 200), (1, 413)])
def test_items_have_2_mb(container: ContainerProxy, more: int, expected: Any) -> None:
    empty = len(b'{"id":"1","conversation":"a","text":""}')
    body = item("1", text="x" * (MAX_ITEM_BYTES - empty + more))
    assert status(container.create_item, body) == expected


def test_key_of_header_and_body_must_agree(container: ContainerProxy) -> None:
    assert batch_statuses(container, [("create", (item("1", "b"),))], key="a") == [400]


# ---------------------------------------------------------------------- conditions


def matching(etag: str, condition: str = "IfNotModified") -> dict[str, Any]:
    from azure.core import MatchConditions

    return {"etag": etag, "match_condition": getattr(MatchConditions, condition)}


def test_if_match(container: ContainerProxy) -> None:
    old = container.create_item(item("1"))["_etag"]
    new = container.replace_item("1", item("1"), **matching(old))["_etag"]
    assert status(container.replace_item, "1", item("1"), **matching(old)) == 412
    assert status(container.upsert_item, item("1"), **matching(old)) == 412
    assert status(container.delete_item, "1", "a", **matching(old)) == 412
    container.delete_item("1", "a", **matching(new))


def test_sixteen_writers_with_conditions_lose_nothing(
    double: CosmosDouble, container: ContainerProxy
) -> None:
    container.create_item(item("1", count=0))

    def work() -> None:
        for _ in range(10):
            while True:
                stored = container.read_item("1", "a")
                stored["count"] += 1
                try:
                    container.replace_item("1", stored, **matching(stored["_etag"]))
                    break
                except exceptions.CosmosAccessConditionFailedError:
                    continue

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert container.read_item("1", "a")["count"] == 160


# ---------------------------------------------------------------------- patch


def patch(container: ContainerProxy, operations: Any, **kwargs: Any) -> int | None:
    return status(container.patch_item, "1", "a", operations, **kwargs)


def test_patch(container: ContainerProxy) -> None:
    container.create_item(item("1", n=1, old=True))
    operations = [
        {"op": "incr", "path": "/n", "value": 2},
        {"op": "set", "path": "/text", "value": "x"},
        {"op": "add", "path": "/more", "value": {"deep": 1}},
        {"op": "replace", "path": "/more/deep", "value": 2},
        {"op": "remove", "path": "/old"},
    ]
    assert patch(container, operations) == 200
    patched = container.read_item("1", "a")
    fields = (patched["n"], patched["text"], patched["more"], "old" in patched)
    assert fields == (3, "x", {"deep": 2}, False)


@pytest.mark.parametrize(
    ("operations", "condition", "expected"),
    [
        ([{"op": "incr", "path": "/n", "value": 1}], "from c where c.n = 1", 200),
        ([{"op": "incr", "path": "/n", "value": 1}], "from c where c.n = 2", 412),
        ([{"op": "incr", "path": "/n", "value": 1}], "from c where c.none = 1", 412),
        ([{"op": "remove", "path": "/none"}], None, 400),
        ([{"op": "set", "path": "/id", "value": "2"}], None, 400),
        ([{"op": "incr", "path": "/n", "value": 1}] * 10, None, 200),
        ([{"op": "incr", "path": "/n", "value": 1}] * 11, None, 400),
        ([{"op": "incr", "path": "/n", "value": 1}, {"op": "remove", "path": "/x"}], None, 400),
    ],
)
def test_patch_takes_effect_or_not(
    container: ContainerProxy, operations: Any, condition: Any, expected: Any
) -> None:
    container.create_item(item("1", n=1))
    kwargs = {} if condition is None else {"filter_predicate": condition}
    assert patch(container, operations, **kwargs) == expected
    left = container.read_item("1", "a")["n"]
    assert left == (1 + len(operations) if expected == 200 else 1)


# ---------------------------------------------------------------------- batches


def test_batch_of_everything(container: ContainerProxy) -> None:
    container.execute_item_batch([("create", (item("1", n=1),))], partition_key="a")
    operations = [
        ("create", (item("2"),)),
        ("upsert", (item("3"),)),
        ("upsert", (item("2", n=2),)),
        ("replace", ("1", item("1", n=5))),
        ("patch", ("1", [{"op": "incr", "path": "/n", "value": 1}])),
        ("read", ("1",)),
        ("delete", ("3",)),
    ]
    results = container.execute_item_batch(operations, partition_key="a")
    assert [r["statusCode"] for r in results] == [201, 201, 200, 200, 200, 200, 204]
    assert results[5]["resourceBody"]["n"] == 6
    assert results[0]["eTag"] == results[0]["resourceBody"]["_etag"]
    assert ids(container) == ["1", "2"]


@pytest.mark.parametrize(
    ("culprit", "expected"),
    [
        (("create", (item("present"),)), 409),
        (("replace", ("none", item("none"))), 404),
        (("delete", ("none",)), 404),
        (("read", ("none",)), 404),
        (("replace", ("present", item("present")), {"if_match_etag": '"old"'}), 412),
        (("patch", ("present", [{"op": "set", "path": "/n", "value": 1}]),
          {"filter_predicate": "from c where c.n = 7"}), 412),
        (("create", (item("x", text="x" * MAX_ITEM_BYTES),)), 413),
    ],
)  # fmt: skip
def test_batch_is_all_or_nothing(container: ContainerProxy, culprit: Any, expected: Any) -> None:
    container.create_item(item("present", n=0))
    before = container.read_item("present", "a")
    change = ("replace", ("present", item("present", n=1)))
    operations = [change, ("create", (item("new"),)), culprit, ("create", (item("last"),))]
    if expected == 412:
        operations[0] = ("create", (item("first"),))
    if expected == 413:  # the whole batch is too large
        assert status(container.execute_item_batch, operations, "a") == 413
    else:
        assert batch_statuses(container, operations) == [424, 424, expected, 424]
    assert ids(container) == ["present"]
    assert container.read_item("present", "a") == before


@pytest.mark.parametrize(("count", "expected"), [(100, 200), (101, 400)])
def test_batch_has_100_operations(container: ContainerProxy, count: int, expected: Any) -> None:
    operations = [("create", (item(str(number)),)) for number in range(count)]
    assert status(container.execute_item_batch, operations, "a") == expected
    assert len(ids(container)) == (count if expected == 200 else 0)


@pytest.mark.parametrize(("more", "expected"), [(0, 200), (1, 413)])
def test_batch_has_2_mb(container: ContainerProxy, more: int, expected: Any) -> None:
    empty = len(
        b'[{"operationType":"Create","resourceBody":{"id":"1","conversation":"a","text":""}}'
        b',{"operationType":"Create","resourceBody":{"id":"2","conversation":"a","text":""}}]'
    )
    text = "x" * (MIB - 1000)
    rest = "x" * (2 * MIB - empty - len(text) + more)
    operations = [("create", (item("1", text=text),)), ("create", (item("2", text=rest),))]
    assert status(container.execute_item_batch, operations, "a") == expected


# ---------------------------------------------------------------------- time to live


@pytest.mark.parametrize(
    ("default", "ttl", "lives"),
    [
        (None, 10, True), (-1, None, True), (-1, 10, False), (10, None, False), (10, -1, True),
        (5, 100, True),
    ],
)  # fmt: skip
def test_ttl(
    double: CosmosDouble, client: CosmosClient, default: Any, ttl: Any, lives: Any
) -> None:
    double.now = 1000.0
    database = client.create_database("ttl")
    container = database.create_container("c", PartitionKey("/conversation"), default_ttl=default)
    container.create_item(item("1") if ttl is None else item("1", ttl=ttl))
    double.advance(9.9 if default != 5 else 0)
    assert ids(container) == ["1"]
    double.advance(0.1)
    assert ids(container) == (["1"] if lives else [])
    assert status(container.read_item, "1", "a") == (200 if lives else 404)
    assert status(container.create_item, item("1")) == (409 if lives else 200)


@pytest.mark.parametrize("ttl", [0, -2, 1.5, "1"])
def test_wrong_ttl(container: ContainerProxy, ttl: Any) -> None:
    assert status(container.create_item, item("1", ttl=ttl)) == 400


# ---------------------------------------------------------------------- queries


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("c.id = '2'", ["2"]),
        ("c.id IN ('1', '3', '9')", ["1", "3"]),
        ("c.id IN (@one)", ["1"]),
        ("c.n > 1 AND c.n <= 3", ["2", "3"]),
        ("c.n = 1 OR c.id = '3'", ["1", "3"]),
        ("NOT (c.n = 1)", ["2", "3"]),
        ("c.n != 1", ["2", "3"]),
        ("c.none != 1", []),
        ("NOT (c.none = 1)", []),
        ("c.n > '1'", []),
        ("IS_DEFINED(c.none) = false OR c.n = 2", None),
        ("IS_DEFINED(c.more)", ["3"]),
        ("c.more.deep = true", ["3"]),
        ("STARTSWITH(c.text, 'ab')", ["1", "2"]),
        ("STARTSWITH(c.text, '')", ["1", "2", "3"]),
    ],
)
def test_conditions(container: ContainerProxy, condition: Any, expected: Any) -> None:
    container.create_item(item("1", n=1, text="ab"))
    container.create_item(item("2", n=2, text="abc"))
    container.create_item(item("3", n=3, text="b", more={"deep": True}))
    container.create_item(item("1", "b", n=1))
    if expected is None:
        assert status(ids, container, condition) == 400
    else:
        assert ids(container, condition, one="1") == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(1) FROM c", "SELECT * FROM c ORDER BY c.n, c.m", "SELECT [c.n] FROM c",
        "SELECT DISTINCT c.n FROM c", "SELECT * FROM c WHERE c.n", "SELECT * FROM c WHERE",
        "SELECT * FROM c WHERE c.n LIKE 'a%'", "SELECT * FROM c OFFSET 1 LIMIT 1", "DELETE c",
        "SELECT * FROM c WHERE c.id = @none", "SELECT * FROM c WHERE c.id = 'a' -- no",
    ],
)  # fmt: skip
def test_other_queries_are_refused(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        Query(text).matches({"id": "a", "n": 1})
    assert caught.value.status == 400


def test_projections(container: ContainerProxy) -> None:
    container.create_item(item("1", n=1))

    def query(text: str) -> list[Any]:
        return list(container.query_items(text, partition_key="a"))

    assert query("SELECT c.id, c.n, c.none FROM c") == [{"id": "1", "n": 1}]
    assert query("SELECT VALUE c.n FROM c") == [1]


def test_pages_and_continuation(container: ContainerProxy) -> None:
    for number in range(5):
        container.create_item(item(str(number), text="x" * 900_000))
    text = "SELECT VALUE c.id FROM c"
    pager: Any = container.query_items(text, partition_key="a", max_item_count=2).by_page()
    first = list(next(pager))
    rest = container.query_items(text, partition_key="a").by_page(pager.continuation_token)
    pages = [list(page) for page in rest]
    assert [len(first), *map(len, pages)] == [2, 3]
    whole = container.query_items("SELECT * FROM c", partition_key="a", max_item_count=100)
    assert [len(list(page)) for page in whole.by_page()] == [4, 1]  # 4 MB a page


def test_queries_across_partitions_must_be_allowed(container: ContainerProxy) -> None:
    for key in "abc":
        container.create_item(item("1", key))
    text = "SELECT VALUE c.conversation FROM c WHERE c.id = '1'"
    keys: Any = container.query_items(text, enable_cross_partition_query=True)
    assert sorted(keys) == ["a", "b", "c"]
    assert status(lambda: list(container.query_items(text))) == 400


# ---------------------------------------------------------------------- consistency


def test_lagging_replica_shows_old_states_to_those_without_token(
    double: CosmosDouble, container: ContainerProxy
) -> None:
    container.create_item(item("1", n=1))
    double.service.lag = 2
    for n in (2, 3, 4):
        container.replace_item("1", item("1", n=n))
    assert container.read_item("1", "a")["n"] == 4
    with CosmosClient(double.endpoint, double.key) as other:
        lagging = other.get_database_client("chats").get_container_client("messages")
        assert lagging.read_item("1", "a")["n"] == 2
    assert container.read_item("1", "a")["n"] == 4


def test_strong_account_shows_the_newest_to_all() -> None:
    service = CosmosDouble(consistency="Strong")
    service.service.lag = 5
    with CosmosClient(service.endpoint, service.key) as client:
        database = client.create_database("d")
        container = database.create_container("c", PartitionKey("/conversation"))
        container.create_item(item("1"))
        assert container.read_item("1", "a")["id"] == "1"
    service.close()


# ---------------------------------------------------------------------- charges, faults


def test_charges_grow_with_size_alone(double: CosmosDouble, container: ContainerProxy) -> None:
    def charge(call: Callable[[], Any]) -> float:
        double.requests.clear()
        call()
        # Another thread of the client reads the account and its partitions.
        about_documents = (r for r in double.requests if r.kind not in {"account", "ranges"})
        return [request.units for request in about_documents][-1]

    small = charge(lambda: container.create_item(item("1")))
    large = charge(lambda: container.create_item(item("2", text="x" * 100 * 1024)))
    assert small == 5.0
    assert large == pytest.approx(50, abs=1)
    assert charge(lambda: container.read_item("1", "a")) == 1.0
    assert charge(lambda: ids(container, "c.id = '1'")) == pytest.approx(2.4)


@pytest.mark.parametrize("fault_status", [408, 410, 449, 500, 503])
def test_faults(double: CosmosDouble, container: ContainerProxy, fault_status: Any) -> None:
    double.fault = lambda request: Fault(fault_status) if request.kind == "batch" else None
    create = [("create", (item("1"),))]
    assert status(container.execute_item_batch, create, "a") == fault_status
    double.fault = lambda request: None
    assert ids(container) == []


def test_throttling_is_waited_for(double: CosmosDouble, container: ContainerProxy) -> None:
    left = [Fault(429, retry_after_ms=30), Fault(429, retry_after_ms=30)]
    double.fault = lambda request: left.pop() if request.kind == "create" and left else None
    began = time.monotonic()
    container.create_item(item("1"))
    assert time.monotonic() - began >= 0.06


def test_lost_reply_after_the_effect(double: CosmosDouble, container: ContainerProxy) -> None:
    from azure.core.exceptions import ServiceResponseError

    double.fault = lambda request: LOST_REPLY if request.kind == "batch" else None
    with pytest.raises(ServiceResponseError):
        container.execute_item_batch([("create", (item("1"),))], partition_key="a")
    double.fault = lambda request: Fault(LOST) if request.kind == "batch" else None
    with pytest.raises(ServiceResponseError):
        container.execute_item_batch([("create", (item("2"),))], partition_key="a")
    double.fault = lambda request: None
    assert ids(container) == ["1"]


def test_async_client(double: CosmosDouble) -> None:
    async def scenario() -> None:
        async with AsyncCosmosClient(double.endpoint, double.key) as client:
            database = await client.create_database("d")
            container = await database.create_container("c", PartitionKey("/conversation"))
            await container.execute_item_batch([("create", (item("1"),))], partition_key="a")
            assert (await container.read_item("1", "a"))["id"] == "1"
            items: Any = container.query_items("SELECT VALUE c.id FROM c", partition_key="a")
            assert [text async for text in items] == ["1"]

    asyncio.run(scenario())
