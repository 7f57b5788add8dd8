"""The primitives on a table: heads that are read together, and lists of owners apart."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azurite_server import ACCOUNT, KEY
from tables_proxy import LOST_REPLY, LOST_REQUEST, Fault, TablesProxy

from chatstore.azure.account import Account
from chatstore.azure.clients import TableClients
from chatstore.azure.database import AzureDatabase
from chatstore.azure.preparing import Preparation
from chatstore.azure.settings import AzureSettings
from chatstore.azure.table import Table
from chatstore.conditional import HeadWrite
from chatstore.core.backend import Plan, async_run, run

Call = Callable[[Plan[Table, Any]], Any]
KEYS = [f"k{number}/é" for number in range(11)]


@pytest.fixture
def database() -> AzureDatabase:
    return AzureDatabase("the table", Preparation(create=True), max_connections=4)


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, service: TablesProxy) -> Iterator[Call]:
    """Run plans in one mode, on a table of their own."""
    account = Account(service.endpoint, ACCOUNT, account_key=KEY)
    clients = TableClients(AzureSettings(f"Chat{uuid.uuid4().hex}", account))
    if request.param == "sync":
        yield lambda plan: run(plan, clients.get())
        clients.close()
        return
    loop = asyncio.new_event_loop()

    async def call(plan: Plan[Table, Any]) -> Any:
        return await async_run(plan, await clients.async_get())

    yield lambda plan: loop.run_until_complete(call(plan))
    loop.run_until_complete(clients.async_close())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_heads_are_read_together(call: Call, database: AzureDatabase, service: TablesProxy) -> None:
    versions = {key: call(database.commit(key, HeadWrite(None, key))) for key in KEYS}
    service.requests.clear()
    heads = call(database.read_heads([*KEYS, "missing", KEYS[0]]))
    assert heads == {key: (key, versions[key]) for key in KEYS}
    assert [one.method for one in service.requests] == ["GET"] * 12
    assert call(database.read_heads([])) == {}


def test_only_some_heads_are_read_at_the_same_time(
    call: Call, database: AzureDatabase, service: TablesProxy
) -> None:
    for key in KEYS:
        call(database.commit(key, HeadWrite(None, key)))
    lock, meeting = threading.Lock(), threading.Barrier(4)
    current, most = 0, 0

    def observe(_: int) -> None:
        nonlocal current, most
        with lock:
            current += 1
            most = max(most, current)
        meeting.wait(60)  # all four have begun
        with lock:
            current -= 1

    service.fault = observe
    assert len(call(database.read_heads(KEYS[:8]))) == 8
    assert most == 4


@pytest.mark.parametrize("fault", [LOST_REQUEST, Fault(answer=(503, "ServerBusy"))])
def test_a_read_that_fails_is_repeated(
    call: Call, database: AzureDatabase, service: TablesProxy, fault: Fault
) -> None:
    for key in KEYS:
        call(database.commit(key, HeadWrite(None, key)))
    failing = service.counter + 2
    service.fault = lambda number: fault if number == failing else None
    assert call(database.read_heads(KEYS)).keys() == set(KEYS)


def test_lists_of_owners_are_apart(
    call: Call, database: AzureDatabase, service: TablesProxy
) -> None:
    lists = database.owner_lists()
    for one, text in ((database, "conversation"), (lists, "list")):
        call(one.commit("k", HeadWrite(None, text, {"1": text})))
    service.requests.clear()
    for one, text in ((database, "conversation"), (lists, "list")):
        for prefix in ("", "k"):
            assert all_heads(call, one, prefix) == [("k", text)]
        assert call(one.read_records("k", ["1"])) == {"1": text}
    version = call(database.read_head("k"))[1]
    call(database.delete_head("k", version))
    assert call(database.read_head("k")) is None
    assert call(lists.read_head("k")) is not None
    assert not any("/Tables" in one.path for one in service.requests)


def all_heads(call: Call, database: AzureDatabase, prefix: str) -> list[tuple[str, str]]:
    heads: list[tuple[str, str]] = []
    cursor: Any = None
    while True:
        page, cursor = call(database.list_heads(prefix, 100, cursor))
        heads += page
        if cursor is None:
            return heads


def test_records_are_discarded_with_few_requests(
    call: Call, database: AzureDatabase, service: TablesProxy
) -> None:
    ids = [f"{digest:x}-{digest}" for digest in range(1_000, 1_150)]
    call(database.stage("k", dict.fromkeys(ids, "text")))
    service.requests.clear()
    call(database.discard("k", [*ids, ids[0]]))
    assert len(service.requests) == 2
    assert call(database.read_records("k", ids[:5])) == {}


@pytest.mark.parametrize("faults", [{}, {0: LOST_REPLY}], ids=["", "lost"])
def test_missing_records_are_no_error(
    call: Call, database: AzureDatabase, service: TablesProxy, faults: dict[int, Fault]
) -> None:
    call(database.stage("k", {"a": "1", "b": "2", "s.1": "3", "s.2": "4", "kept": "5"}))
    first = service.counter
    service.fault = lambda number: faults.get(number - first)
    call(database.discard("k", ["a", "missing", "b", "s.1", "s.2", "s.3"]))
    assert call(database.read_records("k", ["a", "b", "s.1", "s.2", "kept"])) == {"kept": "5"}
