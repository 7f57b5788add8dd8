"""Pools limit connections, acquire the newest one, and discard those that were lost."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chatstore.core.backend import AsyncPool, Health, Pool, PoolTimeoutError


class Connection:
    """Stands in for a connection of a driver."""

    def __init__(self) -> None:
        self.created_at = time.monotonic()
        self.health = Health.FINE
        self.is_reusable = True
        self.is_closed = False

    def is_alive(self) -> Any:
        return True

    def close(self) -> Any:
        self.is_closed = True


class AsyncConnection(Connection):
    async def close(self) -> None:
        await asyncio.sleep(0)
        self.is_closed = True


class Connector:
    """Makes connections and remembers them."""

    def __init__(self, kind: type[Connection] = Connection) -> None:
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
        return [
            connection
            for connection in self.all
            if not (connection.is_closed or connection.health is not Health.FINE)
        ]


def test_last_one_released_is_acquired_first() -> None:
    made = Connector()
    pool = Pool(made, 3, 1)
    with pool.session() as first:
        with pool.session() as second:
            pass
        with pool.session() as again:
            assert again is second
    with pool.session() as again:
        assert again is first
    assert len(made.all) == 2
    pool.close()
    assert made.open == []


def test_threads_wait_for_a_free_one_until_the_timeout() -> None:
    made = Connector()
    pool = Pool(made, 2, 0.05)
    with pool.session(), pool.session(), pytest.raises(PoolTimeoutError), pool.session():
        pass
    together = threading.Barrier(2)

    def use(_: int) -> None:
        with pool.session():
            together.wait(60)

    pool = Pool(made := Connector(), 2, 10)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(40)))
    assert len(made.all) == 2


def test_what_cannot_be_reused_is_closed() -> None:
    made = Connector()
    pool = Pool(made, 1, 0.05)
    made.fails = True
    for _ in range(3):  # a failure takes no place of the pool
        with pytest.raises(OSError), pool.session():  # noqa: PT011 - the one of `Connector`
            pass
    made.fails = False
    with pool.session() as session:
        session.is_reusable = False
    assert made.open == []
    with pool.session():
        pool.close()
        assert len(made.open) == 1
    assert made.open == []


def test_connections_older_than_a_lost_one_are_replaced() -> None:
    made = Connector()
    pool = Pool(made, 3, 1)
    with pool.session(), pool.session(), pool.session() as session:
        session.health = Health.OUTDATED
    assert made.open == []
    with pool.session():
        assert made.open == [made.all[3]]
    with pool.session():  # younger than the one that was lost
        assert made.open == [made.all[3]]


def test_tasks_wait_for_a_free_one_until_the_timeout() -> None:
    made = Connector(AsyncConnection)

    async def use(pool: AsyncPool[Connection]) -> None:
        async with pool.session():
            await asyncio.sleep(0.001)

    async def scenario() -> None:
        pool = AsyncPool(made.awaited, 2, 10)
        await asyncio.gather(*(use(pool) for _ in range(40)))
        assert len(made.all) == 2
        await pool.close()
        assert made.open == []
        brief = AsyncPool(made.awaited, 1, 0.05)
        async with brief.session():
            with pytest.raises(PoolTimeoutError):
                await use(brief)
        await use(brief)

    asyncio.run(scenario())


def test_cancelled_tasks_leave_places_and_no_connection() -> None:
    """Whether they waited for a connection, were connecting, or ran a statement."""
    made = Connector(AsyncConnection)

    async def use(pool: AsyncPool[Connection]) -> None:
        async with pool.session() as session:
            session.is_reusable = False  # until its answer is there
            await asyncio.sleep(0.01)
            session.is_reusable = True

    async def scenario() -> None:
        pool = AsyncPool(made.awaited, 2, 10)
        for pause in range(20):
            tasks = [asyncio.create_task(use(pool)) for _ in range(6)]
            await asyncio.sleep(0.0005 * pause)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert len(made.open) <= 2
        await asyncio.wait_for(asyncio.gather(*(use(pool) for _ in range(6))), 60)
        assert all(session.is_reusable for session in made.open)
        await pool.close()

    asyncio.run(scenario())
    assert made.open == []


def test_lost_connections_of_a_loop_are_replaced() -> None:
    made = Connector(AsyncConnection)

    async def scenario() -> None:
        pool = AsyncPool(made.awaited, 3, 1)
        async with pool.session(), pool.session():
            with pytest.raises(OSError):  # noqa: PT012, PT011 - as a driver's error leaves
                async with pool.session() as session:
                    session.health = Health.OUTDATED
                    raise OSError
        async with pool.session() as session:
            assert session is made.all[3]
            await asyncio.gather(*pool._closing)
            assert made.open == [session]
        with pytest.raises(ValueError, match="refused"):
            async with pool.session():
                raise ValueError("refused")
        async with pool.session():  # a statement that failed leaves its connection whole
            assert len(made.all) == 4
        await pool.close()

    asyncio.run(scenario())
