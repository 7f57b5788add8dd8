"""What the steps of plans call: clients with the same methods in both modes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    AsyncPool,
    ClientPerLoop,
    Health,
    MaybeAwaitable,
    Plan,
    Pool,
    async_run,
    call,
    run,
)
from chatstore.postgres.batching import AppendBatches, NewMessage
from chatstore.postgres.errors import NotReadyError, health_after
from chatstore.postgres.sql.rendering import Rows, Sql
from chatstore.postgres.url import Address

if TYPE_CHECKING:  # a program that uses one mode loads one driver
    from chatstore.postgres.drivers.asyncpg import AsyncpgSession
    from chatstore.postgres.drivers.psycopg import PsycopgSession

T = TypeVar("T")
IDLE_SECONDS = 10
"""How long a transaction may wait for its program's next statement.

Then the server ends it. Otherwise the transaction of a program whose machine or network has gone
would lock its conversation until the server notices that, which takes two hours by default.
"""
BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'",
)
_COMMIT, _ROLLBACK = (Sql(text, text) for text in ("COMMIT", "ROLLBACK"))


class Session(Protocol):
    """A connection, for the steps of a transaction."""

    def fetch(self, sql: Sql, *parameters: object) -> MaybeAwaitable[Rows]:
        """Execute a statement and return its rows."""
        ...


class IdleSession(Session, Protocol):
    """A connection without a transaction."""

    def begin(self) -> MaybeAwaitable[None]:
        """Begin a transaction, which the server ends if the next statement does not come."""
        ...


class Client(Protocol):
    """What the steps of plans use.

    Attributes:
        is_ready: The tables were checked through this client, and are as they should be.

    """

    is_ready: bool

    def fetch(self, sql: Sql, *parameters: object) -> MaybeAwaitable[Rows]:
        """Execute a statement by itself and return its rows.

        Raises:
            NotReadyError: The tables have not been checked yet.

        """
        ...

    def fetch_unchecked(self, sql: Sql, *parameters: object) -> MaybeAwaitable[Rows]:
        """Like `fetch`, whether the tables have been checked or not."""
        ...

    def append(self, message: NewMessage) -> MaybeAwaitable[Rows]:
        """Append a message, perhaps together with those of other calls.

        Returns:
            The rows of the message's own statement.

        Raises:
            NotReadyError: The tables have not been checked yet.

        """
        ...

    def transact(
        self, body: Callable[[], Plan[Session, T]], *, is_setup: bool = False
    ) -> MaybeAwaitable[T]:
        """Run a plan as one transaction.

        Raises:
            NotReadyError: The tables have not been checked yet, and it is not ``is_setup``.

        """
        ...

    def sleep(self, seconds: float) -> MaybeAwaitable[None]:
        """Wait."""
        ...


class SyncSession(Protocol):
    """An `IdleSession` of a sync driver."""

    def begin(self) -> None:
        """See `IdleSession.begin`."""
        ...

    def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """See `Session.fetch`."""
        ...


class AsyncSession(Protocol):
    """An `IdleSession` of an async driver."""

    async def begin(self) -> None:
        """See `IdleSession.begin`."""
        ...

    async def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """See `Session.fetch`."""
        ...


class SyncClient:
    """A `Client` for sync methods."""

    def __init__(self, acquire: Callable[[], AbstractContextManager[SyncSession]]) -> None:
        """Take the function that acquires a session for a ``with`` block."""
        self._acquire = acquire
        self.is_ready = False

    def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """See `Client.fetch`."""
        if not self.is_ready:
            raise NotReadyError
        with self._acquire() as session:
            return session.fetch(sql, *parameters)

    def fetch_unchecked(self, sql: Sql, *parameters: object) -> Rows:
        """See `Client.fetch_unchecked`."""
        with self._acquire() as session:
            return session.fetch(sql, *parameters)

    def append(self, message: NewMessage) -> Rows:
        """See `Client.append`; a thread's message is written alone."""
        return self.fetch(message.sql, *message.parameters)

    def transact(self, body: Callable[[], Plan[Session, T]], *, is_setup: bool = False) -> T:
        """See `Client.transact`."""
        if not self.is_ready and not is_setup:
            raise NotReadyError
        with self._acquire() as session:
            return run(_transaction(body), session)

    def sleep(self, seconds: float) -> None:
        """See `Client.sleep`."""
        time.sleep(seconds)


class AsyncClient:
    """A `Client` for async methods."""

    def __init__(self, acquire: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the function that acquires a session for an ``async with`` block."""
        self._acquire = acquire
        self.is_ready = False

    async def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """See `Client.fetch`."""
        if not self.is_ready:
            raise NotReadyError
        async with self._acquire() as session:
            return await session.fetch(sql, *parameters)

    async def fetch_unchecked(self, sql: Sql, *parameters: object) -> Rows:
        """See `Client.fetch_unchecked`."""
        async with self._acquire() as session:
            return await session.fetch(sql, *parameters)

    async def append(self, message: NewMessage) -> Rows:
        """See `Client.append`."""
        return await self.fetch(message.sql, *message.parameters)

    async def transact(self, body: Callable[[], Plan[Session, T]], *, is_setup: bool = False) -> T:
        """See `Client.transact`."""
        if not self.is_ready and not is_setup:
            raise NotReadyError
        async with self._acquire() as session:
            return await async_run(_transaction(body), session)

    async def sleep(self, seconds: float) -> None:
        """See `Client.sleep`."""
        import asyncio  # a sync program never loads it

        await asyncio.sleep(seconds)


class BatchingClient(AsyncClient):
    """An `AsyncClient` on the store's own pools, which writes the appends of tasks together."""

    def __init__(self, pools: ClientPerLoop[LoopPool], only_sync: str | None) -> None:
        """Take the pools, and an option of the address that asyncpg does not support."""
        super().__init__(lambda: _LoopSession(pools, only_sync))
        self._pools = pools

    async def append(self, message: NewMessage) -> Rows:
        """See `Client.append`."""
        pool = await self._pools.get()
        return await pool.batches.append(message)


class Clients(Protocol):
    """The clients of a store, one for each mode."""

    sync_client: SyncClient
    async_client: AsyncClient

    def close(self) -> None:
        """Close the connections that the store opened."""
        ...

    async def async_close(self) -> None:
        """Like `close`, on an event loop."""
        ...


class PooledClients:
    """Clients with connections of the store's own: a pool for threads, and one for each loop.

    SQLAlchemy's pools would take a fifth of the client's time for an append.

    Attributes:
        pool: The connections for threads.
        loop_pools: The connections for each event loop.

    """

    def __init__(self, address: Address, timeout: float, size: int) -> None:
        """Prepare pools; nothing is opened.

        Args:
            address: The database.
            timeout: Seconds to wait to connect, for a free connection, and for an answer.
            size: The most connections for threads, and for each loop.

        """

        def connect() -> PsycopgSession:
            from chatstore.postgres.drivers.psycopg import connector  # as above

            return connector(address.libpq, timeout)()

        def make_pool() -> LoopPool:
            from chatstore.postgres.drivers.asyncpg import connector  # as above

            pool = LoopPool(connector(address.asyncpg, address.libpq, timeout), size, timeout)
            pool.batches = AppendBatches(self.async_client.fetch)
            return pool

        self.pool: Pool[PsycopgSession] = Pool(connect, size, timeout)
        self.loop_pools = ClientPerLoop(make_pool, _close)
        self.sync_client = SyncClient(self.pool.session)
        self.async_client: AsyncClient = BatchingClient(self.loop_pools, address.only_sync)

    def close(self) -> None:
        """See `Clients.close`; the pool of an idle loop is closed when the loop shuts down."""
        self.pool.close()
        self.loop_pools.close()

    async def async_close(self) -> None:
        """See `Clients.async_close`."""
        import asyncio  # as above

        await self.loop_pools.async_close()
        await asyncio.to_thread(self.pool.close)


async def _close(pool: LoopPool) -> None:
    await pool.close()


class LoopPool(AsyncPool["AsyncpgSession"]):
    """The connections of one event loop.

    Attributes:
        batches: The appends of the loop's tasks.

    """

    batches: AppendBatches


class _LoopSession:
    """Acquires a connection of the running loop's pool for an ``async with`` block."""

    def __init__(self, pools: ClientPerLoop[LoopPool], only_sync: str | None) -> None:
        self._pools = pools
        self._only_sync = only_sync

    async def __aenter__(self) -> AsyncpgSession:
        if self._only_sync is not None:
            raise InvalidArgumentError(
                f"asyncpg does not support the option {self._only_sync}: remove it from the URL "
                "or the environment, or use the sync methods"
            )
        self._pool = await self._pools.get()
        self._session = await self._pool.acquire()
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._pool.release(self._session)


def fetch(sql: Sql, *parameters: object) -> Plan[Session, Rows]:
    """Have a session, or a client, execute a statement."""
    return call(lambda session: session.fetch(sql, *parameters))


def fetch_unchecked(sql: Sql, *parameters: object) -> Plan[Client, Rows]:
    """Have a client execute a statement, whether the tables have been checked or not."""
    return call(lambda client: client.fetch_unchecked(sql, *parameters))


def transact(body: Callable[[], Plan[Session, T]], *, is_setup: bool = False) -> Plan[Client, T]:
    """Have a client run a plan as one transaction."""
    return call(lambda client: client.transact(body, is_setup=is_setup))


def _begin() -> Plan[IdleSession, None]:
    return call(lambda session: session.begin())


def _transaction(body: Callable[[], Plan[Session, T]]) -> Plan[IdleSession, T]:
    yield from _begin()
    try:
        result = yield from body()
    except Exception as error:
        if health_after(error) is Health.FINE:  # else the transaction ends with the connection
            with suppress(Exception):
                yield from fetch(_ROLLBACK)
        raise
    yield from fetch(_COMMIT)
    return result
