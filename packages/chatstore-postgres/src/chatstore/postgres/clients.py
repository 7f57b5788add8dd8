"""What steps of plans call: the same methods in both colours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import Any, TypeVar

from chatstore.core.plans import Plan, async_run, call, run
from chatstore.postgres.names import Sql
from chatstore.postgres.sessions import Rows

T = TypeVar("T")
_BEGIN, _COMMIT, _ROLLBACK = (
    Sql(text, text) for text in ("BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT", "ROLLBACK")
)


class SyncClient:
    """Sends statements on connections of psycopg."""

    def __init__(self, lend: Callable[[], AbstractContextManager[Any]]) -> None:
        """Take what lends a session for a while."""
        self._lend = lend

    def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement by itself and return its rows."""
        with self._lend() as session:
            rows: Rows = session.fetch(sql, *parameters)
            return rows

    def transact(self, body: Callable[[], Plan[T]]) -> T:
        """Run a plan of a session's steps as one transaction."""
        with self._lend() as session:
            return run(_transaction(body), session)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class AsyncClient:
    """Sends statements on connections of asyncpg."""

    def __init__(self, lend: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        """Take what lends a session for a while."""
        self._lend = lend

    async def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement by itself and return its rows."""
        async with self._lend() as session:
            rows: Rows = await session.fetch(sql, *parameters)
            return rows

    async def transact(self, body: Callable[[], Plan[T]]) -> T:
        """Run a plan of a session's steps as one transaction."""
        async with self._lend() as session:
            return await async_run(_transaction(body), session)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def _transaction(body: Callable[[], Plan[T]]) -> Plan[T]:
    yield from call(lambda session: session.fetch(_BEGIN))
    try:
        result = yield from body()
    except Exception:
        with suppress(Exception):  # where it fails the connection is gone, and all with it
            yield from call(lambda session: session.fetch(_ROLLBACK))
        raise
    yield from call(lambda session: session.fetch(_COMMIT))
    return result
