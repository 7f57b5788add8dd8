"""PgBouncer in transaction mode may use another connection for each transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from postgres_calling import Caller, contents, message
from postgres_harness import PostgresHarness, backend_of
from postgres_pooler import Pooler
from postgres_servers import PostgresServer

from chatstore.core import ChatStore, StoreUnavailableError
from chatstore.postgres import PostgresChatStore


@pytest.fixture(scope="module")
def pooler(newest_server: PostgresServer) -> Iterator[Pooler]:
    started = Pooler(newest_server)
    yield started
    started.close()


@pytest.fixture
def harness(newest_server: PostgresServer, pooler: Pooler) -> PostgresHarness:
    return PostgresHarness(newest_server, pooler.url)


def use(store: ChatStore, worker: int) -> None:
    key = f"k{worker % 3}"
    for number in range(15):  # psycopg prepares what it executes for the sixth time
        store.add_message(key, message(f"{worker}.{number}"))
        store.add_message("mixed", message("x"), 0)
        assert store.delete_last_message("mixed") is not None
        assert store.count_messages(key) > number
        assert store.get_messages(key, last=1)
    store.set_messages(f"set{worker}", [message(str(n)) for n in range(20)])
    store.delete_messages(f"set{worker}")


async def async_use(store: ChatStore, worker: int) -> None:
    key = f"k{worker % 3}"
    for number in range(15):
        await store.async_add_message(key, message(f"{worker}.{number}"))
        await store.async_add_message("mixed", message("x"), 0)
        assert await store.async_delete_last_message("mixed") is not None
        assert await store.async_count_messages(key) > number
        assert await store.async_get_messages(key, last=1)
    await store.async_set_messages(f"set{worker}", [message(str(n)) for n in range(20)])
    await store.async_delete_messages(f"set{worker}")


def check(harness: PostgresHarness) -> None:
    with harness.open() as store:
        result = [text for key in ("k0", "k1", "k2") for text in contents(store.get_messages(key))]
    assert sorted(result) == sorted(f"{w}.{n}" for w in range(6) for n in range(15))
    for worker in range(6):
        mine = [text for text in result if text.startswith(f"{worker}.")]
        assert mine == [f"{worker}.{number}" for number in range(15)]


def test_threads(harness: PostgresHarness) -> None:
    with harness.open() as store, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda worker: use(store, worker), range(6)))
    check(harness)


def test_tasks(harness: PostgresHarness) -> None:
    async def scenario() -> None:
        async with harness.open() as store:
            await asyncio.gather(*(async_use(store, worker) for worker in range(6)))

    asyncio.run(scenario())
    check(harness)


def test_both_modes_with_large_sets(harness: PostgresHarness) -> None:
    messages = [message(str(n)) for n in range(3000)]

    async def scenario() -> None:
        async with harness.open() as store:
            await asyncio.gather(
                *(asyncio.to_thread(use, store, worker) for worker in range(3)),
                *(async_use(store, worker) for worker in range(3, 6)),
                store.async_set_messages("large", messages),
            )
            assert await store.async_get_messages("large") == messages

    asyncio.run(scenario())
    check(harness)


def test_nothing_is_left_prepared(
    harness: PostgresHarness, pooler: Pooler, newest_server: PostgresServer
) -> None:
    with harness.open() as store:
        for n in range(10):
            store.add_message("k", message(str(n)))
        backend = backend_of(store)
        left = backend.run(backend._sender.fetch("SELECT name FROM pg_prepared_statements"))
    assert left == []


@pytest.fixture(scope="module")
def full_pooler(newest_server: PostgresServer) -> Iterator[Pooler]:
    """Return a pooler that accepts two clients, which wait for at most a second."""
    started = Pooler(newest_server, "max_client_conn = 2", "query_wait_timeout = 1")
    yield started
    started.close()


def close_later(*connections: psycopg.Connection[Any]) -> None:
    time.sleep(1.5)
    for connection in connections:
        connection.close()


def test_full_pooler_is_waited_for(
    newest_server: PostgresServer, full_pooler: Pooler, call: Caller
) -> None:
    harness = PostgresHarness(newest_server)
    with harness.open() as direct:
        direct.add_message("k", message("a"))
    options: dict[str, Any] = {"table_name": harness.table, "max_connections": 1}
    holders = [psycopg.connect(full_pooler.url) for _ in range(2)]
    with (
        call.using(PostgresChatStore(full_pooler.url, patience=0.2, **options)) as store,
        pytest.raises(StoreUnavailableError, match="no more connections"),
    ):
        call(store, "count_messages", "k")
    with (
        ThreadPoolExecutor(1) as pool,
        call.using(PostgresChatStore(full_pooler.url, patience=60, **options)) as store,
    ):
        freeing = pool.submit(close_later, *holders)
        assert call(store, "count_messages", "k") == 1
        freeing.result()


def test_pooler_that_restarts(newest_server: PostgresServer, call: Caller) -> None:
    pooler = Pooler(newest_server)
    harness = PostgresHarness(newest_server, pooler.url)
    with call.using(harness.open()) as store:
        for number in range(7):
            call(store, "add_message", "k", message(str(number)))
        pooler.restart()
        call(store, "add_message", "k", message("7"))
        assert contents(call(store, "get_messages", "k")) == list(map(str, range(8)))
    pooler.close()
