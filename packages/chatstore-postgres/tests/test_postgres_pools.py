"""Pools of connections: how many, which one is lent, and what happens to those that were lost."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from postgres_backend import PostgresBackend

from chatstore.core import ChatMessage, StoreUnavailableError
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.async_pool import AsyncPool
from chatstore.postgres.errors import PoolTimeoutError
from chatstore.postgres.sync_pool import SyncPool


class Connection:
    """Stands for a connection of either driver."""

    def __init__(self) -> None:
        self.closed = False
        self.pgconn = SimpleNamespace(transaction_status=0)

    def close(self) -> None:
        self.closed = True

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return bool(self.pgconn.transaction_status)

    terminate = close


class AsyncConnection(Connection):
    async def close(self, timeout: float) -> None:
        await asyncio.sleep(0)
        self.closed = True


class Made:
    """Makes connections and remembers them."""

    def __init__(self, kind=Connection) -> None:
        self.kind = kind
        self.all: list[Connection] = []
        self.fails = False

    def __call__(self) -> Connection:
        if self.fails:
            raise OSError
        self.all.append(self.kind())
        return self.all[-1]

    async def awaited(self) -> Connection:
        await asyncio.sleep(0)
        return self()

    @property
    def open(self) -> list[Connection]:
        return [connection for connection in self.all if not connection.closed]


def test_last_one_back_is_lent_first():
    made = Made()
    pool = SyncPool(made, 3, 1)
    with pool.lend() as first:
        with pool.lend() as second:
            pass
        with pool.lend() as again:
            assert again is second
    with pool.lend() as again:
        assert again is first
    assert len(made.all) == 2
    pool.close()
    assert made.open == []


def test_threads_wait_for_a_free_one_until_the_timeout():
    made = Made()
    pool = SyncPool(made, 2, 0.05)
    with pool.lend(), pool.lend(), pytest.raises(PoolTimeoutError), pool.lend():
        pass
    together = threading.Barrier(2)

    def use(_):
        with pool.lend():
            together.wait(10)

    pool = SyncPool(made := Made(), 2, 10)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(40)))
    assert len(made.all) == 2


def test_what_cannot_be_lent_again_is_closed():
    made = Made()
    pool = SyncPool(made, 1, 0.05)
    made.fails = True
    for _ in range(3):  # a place is free again after each failure
        with pytest.raises(OSError), pool.lend():  # noqa: PT011 - the one of `Made`
            pass
    made.fails = False
    with pool.lend() as session:
        session.connection.pgconn.transaction_status = 2
    assert made.open == []
    with pool.lend():
        pool.close()
        assert len(made.open) == 1
    assert made.open == []


def test_connections_older_than_a_lost_one_are_replaced():
    made = Made()
    pool = SyncPool(made, 3, 1)
    with pool.lend(), pool.lend(), pool.lend() as session:
        session.connection.close()
    assert len(made.open) == 2
    with pool.lend():
        assert made.open == [made.all[3]]
    with pool.lend():  # younger than the one that was lost
        assert made.open == [made.all[3]]


def test_tasks_wait_for_a_free_one_until_the_timeout():
    made = Made(AsyncConnection)

    async def use(pool):
        async with pool.lend():
            await asyncio.sleep(0.001)

    async def scenario():
        pool = AsyncPool(made.awaited, 2, 10)
        await asyncio.gather(*(use(pool) for _ in range(40)))
        assert len(made.all) == 2
        await pool.close()
        assert made.open == []
        brief = AsyncPool(made.awaited, 1, 0.05)
        async with brief.lend():
            with pytest.raises(PoolTimeoutError):
                await use(brief)
        await use(brief)

    asyncio.run(scenario())


def test_cancelled_tasks_leave_places_and_no_connection():
    """Wherever they were: waiting for a place, connecting, or in the middle of a statement."""
    made = Made(AsyncConnection)

    async def use(pool):
        async with pool.lend():
            await asyncio.sleep(0.01)

    async def scenario():
        pool = AsyncPool(made.awaited, 2, 10)
        for pause in range(20):
            tasks = [asyncio.create_task(use(pool)) for _ in range(6)]
            await asyncio.sleep(0.0005 * pause)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert len(made.open) <= 2
        await asyncio.wait_for(asyncio.gather(*(use(pool) for _ in range(6))), 10)
        await pool.close()

    asyncio.run(scenario())
    assert made.open == []


def test_lost_connections_of_a_loop_are_replaced():
    made = Made(AsyncConnection)

    async def scenario():
        pool = AsyncPool(made.awaited, 3, 1)
        async with pool.lend(), pool.lend():
            with pytest.raises(OSError):  # noqa: PT012, PT011 - as a driver's error leaves
                async with pool.lend() as session:
                    session.connection.closed = True
                    raise OSError
        async with pool.lend():
            assert made.open == [made.all[3]]
        with pytest.raises(ValueError, match="refused"):  # noqa: PT012
            async with pool.lend():
                message = "refused"
                raise ValueError(message)
        async with pool.lend():  # a statement that failed leaves its connection whole
            assert len(made.all) == 4
        await pool.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_store_says_that_no_connection_became_free(newest_server, colour):
    backend = PostgresBackend(newest_server)
    message = ChatMessage(role="user", content="a")

    async def scenario(store):
        async with store._pools.async_lend():
            await store.async_add_message("k", message)

    with PostgresChatStore.from_uri(
        backend.url, table_name=backend.table, max_connections=1, timeout=0.2
    ) as store:
        if colour == "sync":
            with store._pools.sync.lend(), pytest.raises(StoreUnavailableError, match="in time"):
                store.add_message("k", message)
        else:
            with pytest.raises(StoreUnavailableError, match="in time"):
                asyncio.run(scenario(store))
