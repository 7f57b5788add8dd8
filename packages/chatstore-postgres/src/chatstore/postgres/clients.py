"""What steps of plans call: the same methods in both modes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import Any, TypeVar

from chatstore.core.backend import Health, Plan, async_run, call, run
from chatstore.postgres.errors import NotReadyError, health_after
from chatstore.postgres.names import Rows, Sql

T = TypeVar("T")
_BEGIN, _COMMIT, _ROLLBACK = (
    Sql(text, text) for text in ("BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT", "ROLLBACK")
)


class SyncClient:
    """Sends statements on connections of psycopg.

    Attributes:
        is_ready: The tables were found as they should be, through this client.

    """

    def __init__(self, acquire: Callable[[], AbstractContextManager[Any]]) -> None:
        """Take what acquires a session for a while."""
        self._acquire = acquire
        self.is_ready = False

    def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement by itself and return its rows.

        Raises:
            NotReadyError: The tables are to be checked first.

        """
        if not self.is_ready:
            raise NotReadyError
        with self._acquire() as session:
            rows: Rows = session.fetch(sql, *parameters)
            return rows

    def fetch_unchecked(self, sql: Sql, *parameters: Any) -> Rows:
        """Like `fetch`, whether the tables were checked or not."""
        with self._acquire() as session:
            rows: Rows = session.fetch(sql, *parameters)
            return rows

    def transact(self, body: Callable[[], Plan[T]], *, is_setup: bool = False) -> T:
        """Run a plan of a session's steps as one transaction.

        Raises:
            NotReadyError: The tables are to be checked first, and it is not ``is_setup``.

        """
        if not self.is_ready and not is_setup:
            raise NotReadyError
        with self._acquire() as session:
            return run(_transaction(body), session)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class AsyncClient:
    """Sends statements on connections of asyncpg; see `SyncClient`."""

    def __init__(self, acquire: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        """Take what acquires a session for a while."""
        self._acquire = acquire
        self.is_ready = False

    async def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement by itself and return its rows; see `SyncClient.fetch`."""
        if not self.is_ready:
            raise NotReadyError
        async with self._acquire() as session:
            rows: Rows = await session.fetch(sql, *parameters)
            return rows

    async def fetch_unchecked(self, sql: Sql, *parameters: Any) -> Rows:
        """Like `fetch`, whether the tables were checked or not."""
        async with self._acquire() as session:
            rows: Rows = await session.fetch(sql, *parameters)
            return rows

    async def transact(self, body: Callable[[], Plan[T]], *, is_setup: bool = False) -> T:
        """Run a plan of a session's steps as one transaction; see `SyncClient.transact`."""
        if not self.is_ready and not is_setup:
            raise NotReadyError
        async with self._acquire() as session:
            return await async_run(_transaction(body), session)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def _transaction(body: Callable[[], Plan[T]]) -> Plan[T]:
    yield from call(lambda session: session.fetch(_BEGIN))
    try:
        result = yield from body()
    except Exception as error:
        if health_after(error) is Health.FINE:  # else the transaction ends with the connection
            with suppress(Exception):
                yield from call(lambda session: session.fetch(_ROLLBACK))
        raise
    yield from call(lambda session: session.fetch(_COMMIT))
    return result
