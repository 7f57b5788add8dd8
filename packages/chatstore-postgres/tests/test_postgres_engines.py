"""The caller's engines stay the caller's; our own pools come and go with loops."""

from __future__ import annotations

import asyncio
import gc
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from postgres_harness import PostgresHarness
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from chatstore.core import ChatMessage, InvalidArgumentError, StoreClosedError
from chatstore.postgres import PostgresChatStore


def say(text):
    return ChatMessage(role="user", content=text)


def texts(messages):
    return [message.content for message in messages]


@pytest.fixture
def harness(newest_server):
    return PostgresHarness(newest_server)


def connections(harness, application):
    rows = harness.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", application
    )
    return rows[0][0]


def wait_for_connections(harness, application, count):
    for _ in range(200):
        if connections(harness, application) == count:
            return
        import time

        time.sleep(0.01)
    assert connections(harness, application) == count


def test_engine_of_the_caller_is_used_and_stays_open(harness):
    engine = create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:"))
    with PostgresChatStore(engine=engine, table_name=harness.table) as store:
        store.set_messages("k", [say("a"), say("b")])
        store.add_message("k", say("c"), 0)
        assert store.delete_last_message("k").content == "b"
        assert texts(store.get_messages("k")) == ["c", "a"]
    with pytest.raises(StoreClosedError):
        store.count_messages("k")
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
        connection.execute(text(f"DELETE FROM {harness.table}_messages"))
        connection.rollback()
    assert harness.execute("SELECT count(*) FROM {t}_messages") == [(2,)]
    engine.dispose()


def test_async_engine_of_the_caller_is_used_and_stays_open(harness):
    async def scenario():
        engine = create_async_engine(harness.url.replace("postgresql:", "postgresql+asyncpg:"))
        async with PostgresChatStore(async_engine=engine, table_name=harness.table) as store:
            await store.async_set_messages("k", [say("a"), say("b")])
            await store.async_add_message("k", say("c"), 0)
            await asyncio.gather(*(store.async_add_message("l", say(str(n))) for n in range(20)))
            assert (await store.async_delete_last_message("k")).content == "b"
            assert texts(await store.async_get_messages("k")) == ["c", "a"]
            with pytest.raises(InvalidArgumentError, match="engine="):
                store.count_messages("k")
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        await engine.dispose()

    asyncio.run(scenario())


def test_one_engine_serves_one_colour(harness):
    engine = create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:"))
    with (
        PostgresChatStore(engine=engine, table_name=harness.table) as store,
        pytest.raises(InvalidArgumentError, match="async_engine="),
    ):
        asyncio.run(store.async_count_messages("k"))
    engine.dispose()


def test_each_loop_has_its_pool_and_takes_it_along(harness):
    url = f"{harness.url}?application_name={harness.table}"
    store = PostgresChatStore.from_uri(url, table_name=harness.table)

    async def append(name):
        await asyncio.gather(*(store.async_add_message("k", say(name)) for _ in range(5)))

    def in_a_loop(name):
        asyncio.run(append(name))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(in_a_loop, "abcd"))
    assert store._pools.of_loops._held == {}
    wait_for_connections(harness, harness.table, 0)
    assert store.count_messages("k") == 20
    store.close()
    wait_for_connections(harness, harness.table, 0)


def test_plain_close_inside_and_beside_a_loop(harness):
    url = f"{harness.url}?application_name={harness.table}"

    async def close_inside():
        store = PostgresChatStore.from_uri(url, table_name=harness.table)
        await store.async_add_message("k", say("a"))
        store.close()

    async def close_from_a_thread():
        store = PostgresChatStore.from_uri(url, table_name=harness.table)
        await store.async_add_message("k", say("b"))
        await asyncio.to_thread(store.close)
        await asyncio.to_thread(wait_for_connections, harness, harness.table, 0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(close_inside())
        wait_for_connections(harness, harness.table, 0)
        asyncio.run(close_from_a_thread())
        gc.collect()


def test_loop_that_was_closed_without_warning(harness):
    """A loop whose owner does not end its generators leaves nothing that breaks the next."""
    store = harness.open()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(store.async_add_message("k", say("a")))
    loop.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the loop's own complaints about its sockets
        asyncio.run(store.async_add_message("k", say("b")))
        del loop
        gc.collect()
    assert store.count_messages("k") == 2
    store.close()


def test_both_colours_from_one_url(harness):
    """Each driver is only loaded for its own colour."""
    store = harness.open()
    assert not store._pools.sync._idle._sessions
    store.count_messages("k")
    assert store._pools.of_loops._held == {}
    store.close()
