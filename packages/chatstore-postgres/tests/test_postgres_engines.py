"""The caller's engines stay open; the store's own pools end with their event loops."""

from __future__ import annotations

import asyncio
import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from postgres_calling import contents, message
from postgres_harness import PostgresHarness, pooled
from postgres_servers import PostgresServer
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from chatstore.core import InvalidArgumentError, StoreClosedError
from chatstore.postgres import PostgresChatStore


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


def connections(harness: PostgresHarness, application: str) -> Any:
    rows = harness.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", application
    )
    return rows[0][0]


def wait_for_connections(harness: PostgresHarness, application: str, count: int) -> None:
    for _ in range(200):
        if connections(harness, application) == count:
            return
        import time

        time.sleep(0.01)
    assert connections(harness, application) == count


def test_engine_of_the_caller_is_used_and_stays_open(harness: PostgresHarness) -> None:
    engine = create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:"))
    with PostgresChatStore(client=engine, table_name=harness.table) as store:
        store.set_messages("k", [message("a"), message("b")])
        store.add_message("k", message("c"), 0)
        removed = store.delete_last_message("k")
        assert removed is not None
        assert removed.content == "b"
        assert contents(store.get_messages("k")) == ["c", "a"]
    with pytest.raises(StoreClosedError):
        store.count_messages("k")
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
        connection.execute(text(f"DELETE FROM {harness.table}_messages"))
        connection.rollback()
    assert harness.execute("SELECT count(*) FROM {t}_messages") == [(2,)]
    engine.dispose()


def test_async_engine_of_the_caller_is_used_and_stays_open(harness: PostgresHarness) -> None:
    async def scenario() -> None:
        engine = create_async_engine(harness.url.replace("postgresql:", "postgresql+asyncpg:"))
        async with PostgresChatStore(async_client=engine, table_name=harness.table) as store:
            await store.async_set_messages("k", [message("a"), message("b")])
            await store.async_add_message("k", message("c"), 0)
            await asyncio.gather(
                *(store.async_add_message("l", message(str(n))) for n in range(20))
            )
            removed = await store.async_delete_last_message("k")
            assert removed is not None
            assert removed.content == "b"
            assert contents(await store.async_get_messages("k")) == ["c", "a"]
            with pytest.raises(InvalidArgumentError, match="client="):
                store.count_messages("k")
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        await engine.dispose()

    asyncio.run(scenario())


def test_one_engine_serves_one_mode(harness: PostgresHarness) -> None:
    engine = create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:"))
    with (
        PostgresChatStore(client=engine, table_name=harness.table) as store,
        pytest.raises(InvalidArgumentError, match="async_client="),
    ):
        asyncio.run(store.async_count_messages("k"))
    engine.dispose()


def test_each_loop_has_its_pool_and_takes_it_along(harness: PostgresHarness) -> None:
    url = f"{harness.url}?application_name={harness.table}"
    store = PostgresChatStore.from_uri(url, table_name=harness.table)

    async def append(name: str) -> None:
        await asyncio.gather(*(store.async_add_message("k", message(name)) for _ in range(5)))

    def in_a_loop(name: str) -> None:
        asyncio.run(append(name))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(in_a_loop, "abcd"))
    assert pooled(store).loop_pools._entries == {}
    wait_for_connections(harness, harness.table, 0)
    assert store.count_messages("k") == 20
    store.close()
    wait_for_connections(harness, harness.table, 0)


def test_plain_close_inside_and_beside_a_loop(harness: PostgresHarness) -> None:
    url = f"{harness.url}?application_name={harness.table}"

    async def close_inside() -> None:
        store = PostgresChatStore.from_uri(url, table_name=harness.table)
        await store.async_add_message("k", message("a"))
        store.close()

    async def close_from_a_thread() -> None:
        store = PostgresChatStore.from_uri(url, table_name=harness.table)
        await store.async_add_message("k", message("b"))
        await asyncio.to_thread(store.close)
        await asyncio.to_thread(wait_for_connections, harness, harness.table, 0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(close_inside())
        wait_for_connections(harness, harness.table, 0)
        asyncio.run(close_from_a_thread())
        gc.collect()


def test_loop_that_was_closed_without_warning(harness: PostgresHarness) -> None:
    """A loop whose async generators were not closed does not affect the next loop."""
    store = harness.open()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(store.async_add_message("k", message("a")))
    loop.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the loop warns of open sockets
        asyncio.run(store.async_add_message("k", message("b")))
        del loop
        gc.collect()
    assert store.count_messages("k") == 2
    store.close()


def test_both_modes_from_one_url(harness: PostgresHarness) -> None:
    """Each mode has connections of its own."""
    store = harness.open()
    assert not pooled(store).pool._idle._sessions
    store.count_messages("k")
    assert pooled(store).loop_pools._entries == {}
    store.close()
