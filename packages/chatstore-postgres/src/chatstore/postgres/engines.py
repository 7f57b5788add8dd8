"""SQLAlchemy's engines: one for threads, one for each event loop, each made on first use."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

from chatstore.postgres.sessions import AsyncDirectSession, DirectSession

if TYPE_CHECKING:  # it loads SQLAlchemy's ORM, which a program without async calls never needs
    from sqlalchemy.ext.asyncio import AsyncEngine

# Inherited sockets are the parent's: they must not even be said goodbye to.
_inherited: list[object] = []
_all: weakref.WeakSet[Engines] = weakref.WeakSet()
_closing: set[object] = set()
_CLOSING_SECONDS = 5.0


class Engines:
    """Makes engines for one address and closes them."""

    def __init__(self, libpq: str, asyncpg: str, timeout: float, size: int) -> None:
        """Note where and how; nothing is opened.

        Args:
            libpq: The URL for psycopg.
            asyncpg: The URL for asyncpg.
            timeout: Seconds for making a connection, for waiting for a free one, and for an answer.
            size: The most connections of each engine.

        """
        self._libpq = libpq
        self._asyncpg = asyncpg
        self._timeout = timeout
        self._options: dict[str, Any] = {
            "isolation_level": "AUTOCOMMIT",
            "pool_size": size,
            "max_overflow": 0,
            "pool_timeout": timeout,
            "pool_use_lifo": True,
            "pool_reset_on_return": None,  # what is lent comes back idle, or not at all
        }
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lost_at = 0.0
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._loops: dict[asyncio.AbstractEventLoop, _LoopEngine] = {}

    @contextmanager
    def lend(self) -> Iterator[DirectSession]:
        """Lend a connection of psycopg."""
        lent = self._sync().raw_connection()
        connection: Any = lent.driver_connection
        try:
            yield DirectSession(connection)
        finally:
            if connection.closed:
                self._lost_at = time.monotonic()
            if connection.closed or connection.pgconn.transaction_status:  # 0 is idle
                lent.invalidate()
            lent.close()

    @asynccontextmanager
    async def async_lend(self) -> AsyncIterator[AsyncDirectSession]:
        """Lend a connection of asyncpg."""
        engine = await self._of_loop()
        lent = await engine.raw_connection()
        connection: Any = lent.driver_connection
        is_whole = False
        try:
            yield AsyncDirectSession(connection)
            is_whole = True
        except Exception:
            is_whole = not connection.is_closed() and not connection.is_in_transaction()
            if connection.is_closed():
                self._lost_at = time.monotonic()
            raise
        finally:
            if not is_whole:
                lent.invalidate()  # a cancelled statement may still be going on
            lent.close()

    def _watch(self, engine: Engine) -> Engine:
        """Let the pool replace connections older than one that was found lost."""

        def connected(_: Any, record: Any) -> None:
            record.info["since"] = time.monotonic()

        def checked_out(_: Any, record: Any, __: Any) -> None:
            if record.info["since"] <= self._lost_at:
                raise DisconnectionError

        event.listen(engine, "connect", connected)
        event.listen(engine, "checkout", checked_out)
        return engine

    def _sync(self) -> Engine:
        """Return the engine for threads."""
        if self._engine is None:
            # Imported here: a program of one colour needs one driver.
            from chatstore.postgres.bounded import connector  # noqa: PLC0415

            with self._lock:
                if self._engine is None:
                    creator = connector(self._libpq, self._timeout)
                    self._engine = self._watch(
                        create_engine("postgresql+psycopg://", creator=creator, **self._options)
                    )
        return self._engine

    async def _of_loop(self) -> AsyncEngine:
        """Return the engine of the running event loop."""
        loop = asyncio.get_running_loop()
        held = self._loops.get(loop)
        if held is None:
            for other in [other for other in self._loops if other.is_closed()]:
                self._loops.pop(other, None)
            held = self._loops.setdefault(loop, _LoopEngine())
        if held.engine is None:
            async with held.lock:
                if held.engine is None:
                    held.keeper = self._keep(loop, await self._make())
                    held.engine = await anext(held.keeper)
        return held.engine

    async def _make(self) -> AsyncEngine:
        """Make an engine after a look at what is at the other end."""
        import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - as in `_sync`; has no types
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - as above

        bounds: dict[str, Any] = {"timeout": self._timeout, "command_timeout": self._timeout}

        async def connect(**kwargs: Any) -> Any:
            return await asyncpg.connect(self._asyncpg, **bounds, **kwargs)

        probe = await connect(statement_cache_size=0)
        try:
            is_direct = await probe.fetchval("SELECT pg_backend_pid()") == probe.get_server_pid()
        finally:
            await probe.close(timeout=self._timeout)
        arguments: dict[str, Any] = {"async_creator_fn": connect}
        if not is_direct:
            # A pooler stands between, and lends a server's connection for one transaction. A
            # statement without a name is used while it is lent, and leaves nothing behind. `str`
            # gives SQLAlchemy's own first statements that name.
            arguments |= {
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": str,
            }
        engine = create_async_engine(
            "postgresql+asyncpg://", connect_args=arguments, **self._options
        )
        self._watch(engine.sync_engine)
        return engine

    async def _keep(
        self, loop: asyncio.AbstractEventLoop, engine: AsyncEngine
    ) -> AsyncGenerator[AsyncEngine, None]:
        """Hold an engine; a loop ends its generators before it is closed, and this with them."""
        try:
            yield engine
        finally:
            self._loops.pop(loop, None)
            await engine.dispose()

    def close(self) -> None:
        """Close all engines; that of a loop that stands still is closed with the loop."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()
        here = _running_loop()
        for loop, held in list(self._loops.items()):
            if held.keeper is None or loop.is_closed():
                self._loops.pop(loop, None)
            elif loop is here:
                task = loop.create_task(held.keeper.aclose())
                _closing.add(task)
                task.add_done_callback(_closing.discard)
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(held.keeper.aclose(), loop).result(
                    _CLOSING_SECONDS
                )

    async def async_close(self) -> None:
        """Close all engines."""
        held = self._loops.get(asyncio.get_running_loop())
        if held is not None and held.keeper is not None:
            await held.keeper.aclose()
        await asyncio.to_thread(self.close)

    def forget(self) -> None:
        """Put the engines aside, in a child that inherited them, and begin anew."""
        _inherited.append((self._engine, self._loops, self._lock))
        self._begin()


class _LoopEngine:
    """The engine of one loop, and the generator whose end closes it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.engine: AsyncEngine | None = None
        self.keeper: AsyncGenerator[AsyncEngine, None] | None = None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _forget_all() -> None:
    for engines in _all:
        engines.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
