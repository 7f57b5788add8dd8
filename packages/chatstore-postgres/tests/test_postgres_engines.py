"""The caller's engines stay the caller's; our own pools come and go with loops."""

from __future__ import annotations

import asyncio
import gc
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from postgres_backend import PostgresBackend
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from chatstore.core import ChatMessage, InvalidArgumentError, StoreClosedError
from chatstore.postgres import PostgresChatStore


def say(text):
    return ChatMessage(role="user", content=text)


def texts(messages):
    return [message.content for message in messages]


@pytest.fixture
def backend(newest_server):
    return PostgresBackend(newest_server)


def connections(backend, application):
    rows = backend.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", application
    )
    return rows[0][0]


def wait_for_connections(backend, application, count):
    for _ in range(200):
        if connections(backend, application) == count:
            return
        import time

        time.sleep(0.01)
    assert connections(backend, application) == count


def test_engine_of_the_caller_is_used_and_stays_open(backend):
    engine = create_engine(backend.url.replace("postgresql:", "postgresql+psycopg:"))
    with PostgresChatStore(engine=engine, table_name=backend.table) as store:
        store.set_messages("k", [say("a"), say("b")])
        store.add_message("k", say("c"), 0)
        assert store.delete_last_message("k").content == "b"
        assert texts(store.get_messages("k")) == ["c", "a"]
    with pytest.raises(StoreClosedError):
        store.count_messages("k")
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
        connection.execute(text(f"DELETE FROM {backend.table}_messages"))
        connection.rollback()
    assert backend.execute("SELECT count(*) FROM {t}_messages") == [(2,)]
    engine.dispose()


def test_async_engine_of_the_caller_is_used_and_stays_open(backend):
    async def scenario():
        engine = create_async_engine(backend.url.replace("postgresql:", "postgresql+asyncpg:"))
        async with PostgresChatStore(async_engine=engine, table_name=backend.table) as store:
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


def test_one_engine_serves_one_colour(backend):
    engine = create_engine(backend.url.replace("postgresql:", "postgresql+psycopg:"))
    with (
        PostgresChatStore(engine=engine, table_name=backend.table) as store,
        pytest.raises(InvalidArgumentError, match="async_engine="),
    ):
        asyncio.run(store.async_count_messages("k"))
    engine.dispose()


def test_each_loop_has_its_pool_and_takes_it_along(backend):
    url = f"{backend.url}?application_name={backend.table}"
    store = PostgresChatStore.from_uri(url, table_name=backend.table)

    async def append(name):
        await asyncio.gather(*(store.async_add_message("k", say(name)) for _ in range(5)))

    def in_a_loop(name):
        asyncio.run(append(name))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(in_a_loop, "abcd"))
    assert store._pools.of_loops._held == {}
    wait_for_connections(backend, backend.table, 0)
    assert store.count_messages("k") == 20
    store.close()
    wait_for_connections(backend, backend.table, 0)


def test_plain_close_inside_and_beside_a_loop(backend):
    url = f"{backend.url}?application_name={backend.table}"

    async def close_inside():
        store = PostgresChatStore.from_uri(url, table_name=backend.table)
        await store.async_add_message("k", say("a"))
        store.close()

    async def close_from_a_thread():
        store = PostgresChatStore.from_uri(url, table_name=backend.table)
        await store.async_add_message("k", say("b"))
        await asyncio.to_thread(store.close)
        await asyncio.to_thread(wait_for_connections, backend, backend.table, 0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(close_inside())
        wait_for_connections(backend, backend.table, 0)
        asyncio.run(close_from_a_thread())
        gc.collect()


def test_loop_that_was_closed_without_warning(backend):
    """A loop whose owner does not end its generators leaves nothing that breaks the next."""
    store = backend.open()
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


def test_both_colours_from_one_url(backend):
    """Each driver is only loaded for its own colour."""
    store = backend.open()
    assert not store._pools.sync._idle._sessions
    store.count_messages("k")
    assert store._pools.of_loops._held == {}
    store.close()
