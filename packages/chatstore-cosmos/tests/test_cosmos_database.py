"""The primitives on a container: conditions, limits, pages, lost replies."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from cosmos_database_calls import Call
from cosmos_double import LOST_REPLY, CosmosDouble, Fault
from cosmos_requests import Request

from chatstore.azure_core.batches import packed
from chatstore.conditional import HeadWrite
from chatstore.core import StoreUnavailableError
from chatstore.core.backend import Plan, run
from chatstore.cosmos.address import Address
from chatstore.cosmos.batches import (
    LIMITS,
    MAX_BATCH_BYTES,
    MAX_OPERATIONS,
    create,
    delete,
    replace,
    size_of,
)
from chatstore.cosmos.clients import CosmosClients
from chatstore.cosmos.container import Container
from chatstore.cosmos.database import CosmosDatabase, ItemChangedError
from chatstore.cosmos.settings import CosmosSettings

database = CosmosDatabase("the double", create=True, timeout=60.0)
KEY = "user:é/\\?#😀\0"


def kinds(double: CosmosDouble) -> list[str]:
    """Return the kinds of requests for documents since the last call."""
    requests = [one.kind for one in double.requests if one.kind in {"batch", "query", "read"}]
    double.requests.clear()
    return requests


def test_commit_and_read(call: Call, double: CosmosDouble) -> None:
    assert call(database.read_head(KEY)) is None
    first = call(database.commit(KEY, HeadWrite(None, "one", {"1": "a", "2/#": "b"})))
    assert call(database.read_head(KEY)) == ("one", first)
    assert call(database.read_records(KEY, ["1", "2/#", "3"])) == {"1": "a", "2/#": "b"}
    assert call(database.read_records("other", ["1"])) == {}
    second = call(database.commit(KEY, HeadWrite(first, "two", {"3": "c"}, ["1"])))
    assert second != first
    assert call(database.read_records(KEY, ["1", "2/#", "3"])) == {"2/#": "b", "3": "c"}


def test_an_append_is_one_request_and_a_read_two(call: Call, double: CosmosDouble) -> None:
    version = call(database.commit(KEY, HeadWrite(None, "one")))
    kinds(double)
    call(database.commit(KEY, HeadWrite(version, "two", {"1": "a"})))
    assert kinds(double) == ["batch"]
    call(database.read_head(KEY))
    call(database.read_records(KEY, ["1"]))
    assert kinds(double) == ["read", "query"]


LENGTHS = (10, 1000, 100_000 if os.environ.get("CHATSTORE_SOAK") else 5000)


def test_costs_are_flat(call: Call, double: CosmosDouble) -> None:
    head, text = "h" * 400, "x" * 600
    version = call(database.commit(KEY, HeadWrite(None, head)))
    costs: list[list[Any]] = []

    def cost(plan: Plan[Container, Any]) -> tuple[Any, list[Any]]:
        double.requests.clear()
        result = call(plan)
        return result, [
            one[:2] for one in double.requests if one.kind in {"batch", "query", "read"}
        ]

    staged = 0
    for length in LENGTHS:
        call(database.stage(KEY, {str(number): text for number in range(staged, length)}))
        staged = length
        version, append = cost(database.commit(KEY, HeadWrite(version, head, {"new": text})))
        _, read = cost(database.read_head(KEY))
        _, newest = cost(database.read_records(KEY, [str(n) for n in range(length - 10, length)]))
        version, delete_last = cost(database.commit(KEY, HeadWrite(version, head, {}, ["new"])))
        costs.append([*append, *read, *newest, *delete_last])
    assert costs[0] == [("batch", 10.0), ("read", 1.0), ("query", 3.3), ("batch", 10.0)]
    assert costs == [costs[0]] * len(LENGTHS)


@pytest.mark.parametrize("missing", [True, False])
def test_commit_on_another_head_changes_nothing(call: Call, missing: bool) -> None:
    version = call(database.commit(KEY, HeadWrite(None, "one", {"1": "a"})))
    call(database.commit(KEY, HeadWrite(version, "two")))
    expected = None if missing else version
    assert call(database.commit(KEY, HeadWrite(expected, "three", {"2": "b"}, ["1"]))) is None
    assert call(database.read_head(KEY))[0] == "two"
    assert call(database.read_records(KEY, ["1", "2"])) == {"1": "a"}


def test_a_commit_that_deletes_a_missing_record_changes_nothing(call: Call) -> None:
    version = call(database.commit(KEY, HeadWrite(None, "one", {"1": "a"})))
    assert call(database.commit(KEY, HeadWrite(version, "two", {"3": "c"}, ["2"]))) is None
    assert call(database.read_head(KEY)) == ("one", version)
    assert call(database.read_records(KEY, ["1", "3"])) == {"1": "a"}


def test_lost_reply_of_a_commit_shows_as_an_error_and_then_as_a_change(
    call: Call, double: CosmosDouble
) -> None:
    version = call(database.commit(KEY, HeadWrite(None, "one")))
    double.fault = lambda request: LOST_REPLY if request.kind == "batch" else None
    with pytest.raises(AzureError):
        call(database.commit(KEY, HeadWrite(version, "two")))
    double.fault = lambda request: None
    assert call(database.commit(KEY, HeadWrite(version, "two"))) is None
    assert call(database.read_head(KEY))[0] == "two"


@pytest.mark.parametrize("then", [[], [Fault(449)]], ids=["", "nothing was done"])
def test_a_rejection_of_a_repeated_batch_is_reported_as_unknown(
    call: Call, double: CosmosDouble, then: list[Fault]
) -> None:
    version = call(database.commit(KEY, HeadWrite(None, "one")))
    left = [*then, Fault(503, acts=True)]  # azure-cosmos sends the batch again
    double.fault = lambda request: left.pop() if request.kind == "batch" and left else None
    with pytest.raises(StoreUnavailableError, match="sent twice and then rejected"):
        call(database.commit(KEY, HeadWrite(version, "two")))
    assert left == []
    assert call(database.read_head(KEY))[0] == "two"


def test_a_batch_is_repeated_while_the_service_is_busy(call: Call, double: CosmosDouble) -> None:
    left = [Fault(449)] * 5
    double.fault = lambda request: left.pop() if request.kind == "batch" and left else None
    call(database.commit(KEY, HeadWrite(None, "one", {"1": "a"})))
    assert left == []
    assert call(database.read_head(KEY))[0] == "one"


def test_stage_and_discard_any_number(call: Call, double: CosmosDouble) -> None:
    puts = {str(number): "x" * 1000 for number in range(1250)}
    call(database.stage(KEY, puts))
    call(database.stage(KEY, {"7": "again"}))
    assert call(database.read_records(KEY, list(puts))) == {**puts, "7": "again"}
    kinds(double)
    call(database.discard(KEY, [*puts, "missing"]))
    assert kinds(double).count("batch") == 13
    assert call(database.read_records(KEY, list(puts))) == {}


def test_discard_ends_though_a_replica_still_shows_deleted_items() -> None:
    double = CosmosDouble(consistency="BoundedStaleness")
    address = Address(double.endpoint, "chats", "messages")
    clients = CosmosClients(CosmosSettings(address, double.key, timeout=60.0))
    try:
        run(database.stage(KEY, {"1": "a", "2": "b"}), clients.get())
        for _ in range(10):
            run(database.stage(KEY, {"3": "c"}), clients.get())
        double.service.lag = 10
        run(database.discard(KEY, ["1"]), clients.get())
        kinds(double)
        run(database.discard(KEY, ["1", "2"]), clients.get())
        assert kinds(double).count("batch") <= 3
        double.service.lag = 0
        assert run(database.read_records(KEY, ["1", "2", "3"]), clients.get()) == {"3": "c"}
    finally:
        clients.close()
        double.close()


def test_records_of_more_than_a_page_are_read_whole(call: Call) -> None:
    puts = {str(number): "x" * 900_000 for number in range(6)}
    call(database.stage(KEY, puts))
    assert call(database.read_records(KEY, list(puts))) == puts


def test_heads_are_listed_page_by_page(call: Call) -> None:
    keys = [f"user:{n}/😀" for n in range(5)] + ["user", "User:", "use"]
    for key in keys:
        call(database.commit(key, HeadWrite(None, key, {"1": "a"})))
    heads: list[Any] = []
    token = None
    while True:
        page, token = call(database.list_heads("user:", 2, token))
        heads += page
        if token is None:
            break
    assert sorted(heads) == [(key, key) for key in keys[:5]]
    assert {key for key, _ in call(database.list_heads("", 100, None))[0]} == set(keys)


def all_heads(container: Container) -> list[str]:
    """Return the keys of all heads, in pages of one."""
    keys: list[str] = []
    token = None
    while True:
        page, token = run(database.list_heads("", 1, token), container)
        keys.extend(key for key, _ in page)
        if token is None:
            return sorted(keys)


def test_threads_do_not_take_each_others_pages(clients: CosmosClients) -> None:
    container = clients.get()
    keys = sorted(f"k{number}" for number in range(12))
    for key in keys:
        run(database.commit(key, HeadWrite(None, "h", {"1": "a"})), container)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # let threads switch between a reply and reading its headers
    try:
        with ThreadPoolExecutor(8) as pool:
            reads = [pool.submit(run, database.read_head("k1"), container) for _ in range(300)]
            lists = [pool.submit(all_heads, container) for _ in range(8)]
            assert [done.result() for done in lists] == [keys] * 8
            assert {(done.result() or ("", ""))[0] for done in reads} == {"h"}
    finally:
        sys.setswitchinterval(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    double = CosmosDouble(consistency="Session")
    address = Address(double.endpoint, "chats", "messages")
    clients = CosmosClients(CosmosSettings(address, double.key, timeout=60.0))
    try:
        run(database.commit(KEY, HeadWrite(None, "h", {"1": "a"})), clients.get())
        lock = clients.get().session.session_container.session_lock
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lock.acquire).result()
            child = os.fork()
            if child == 0:
                signal.alarm(60)  # ends the child if it waits
                os._exit(0 if run(database.read_head(KEY), clients.get()) else 1)
            assert os.waitpid(child, 0)[1] == 0
            pool.submit(lock.release).result()
    finally:
        clients.close()
        double.close()


# ---------------------------------------------------------------------- limits


def item(text: str, item_id: str = "1") -> dict[str, Any]:
    return {"id": item_id, "conversation": "k", "body": text, "ttl": -1}


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 201])
def test_a_batch_takes_100_operations(count: int) -> None:
    batches = list(packed(map(delete, map(str, range(count))), size_of, LIMITS))
    assert [len(batch) for batch in batches[:-1]] == [MAX_OPERATIONS] * ((count - 1) // 100)
    assert sum(map(len, batches)) == count


@pytest.mark.parametrize("character", ["x", '"', "é", "😀", "\\", "\0"])
@pytest.mark.parametrize(("more", "batches"), [(0, 1), (1, 2)])
def test_a_batch_takes_at_most_a_megabyte(character: str, more: int, batches: int) -> None:
    first = create(item(character * 30_000))
    rest = MAX_BATCH_BYTES - len("[]") - size_of(first) - size_of(create(item("", "2")))
    operations = [first, create(item("x" * (rest + more), "2"))]
    assert len(list(packed(operations, size_of, LIMITS))) == batches


@pytest.mark.parametrize(
    "make", [create, partial(replace, etag='"0123"'), lambda item: delete(item["id"])]
)
@pytest.mark.parametrize("text", ["", "x" * 1000, 'é😀\0"\\' * 100])
def test_sizes_are_upper_bounds_of_those_that_are_sent(
    call: Call, double: CosmosDouble, make: Any, text: str
) -> None:
    batches: list[Request] = []

    def record(request: Request) -> None:
        if request.kind == "batch":
            batches.append(request)

    operations = [make({**item(text), "id": "missing"}), delete("other")]
    call(database.read_head("k"))
    double.fault = record
    with pytest.raises(ItemChangedError):
        call(database.execute_batch("k", operations))
    sent = len(batches[-1].body)
    estimate = sum(map(size_of, operations)) + len("[]")
    assert sent <= estimate <= sent + 200
