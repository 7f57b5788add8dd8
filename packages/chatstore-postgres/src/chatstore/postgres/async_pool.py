"""Connections of asyncpg for one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from chatstore.postgres.errors import PoolTimeoutError
from chatstore.postgres.sessions import AsyncDirectSession

_CLOSING_SECONDS = 5.0


class AsyncPool:
    """Connections of asyncpg, for one event loop."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, timeout: float) -> None:
        """Note what makes connections, the most of them, and how long to wait for a free one."""
        self._connect = connect
        self._timeout = timeout
        self._places = asyncio.Semaphore(size)
        self._free: list[AsyncDirectSession] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._lost_at = 0.0
        self._is_closed = False

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[AsyncDirectSession]:
        """Lend a connection."""
        await self._acquire()
        session = None
        is_whole = False
        try:
            session = self._take() or AsyncDirectSession(await self._connect())
            yield session
            is_whole = True
        except Exception:
            is_whole = session is not None and session.is_idle
            raise
        finally:
            if session is None:
                self._places.release()
            else:
                self._give_back(session, is_whole)

    async def close(self) -> None:
        """Close what is free; what is lent is closed when it comes back."""
        self._is_closed = True
        while self._free:
            self._end(self._free.pop())
        await asyncio.gather(*self._ending)

    async def _acquire(self) -> None:
        if self._places.locked():
            try:
                await asyncio.wait_for(self._places.acquire(), self._timeout)
            except asyncio.TimeoutError as error:
                raise PoolTimeoutError from error
        else:
            await self._places.acquire()  # comes back at once

    def _take(self) -> AsyncDirectSession | None:
        while self._free:
            session = self._free.pop()
            if session.made_at > self._lost_at:
                return session
            session.connection.terminate()
        return None

    def _give_back(self, session: AsyncDirectSession, is_whole: bool) -> None:
        if session.is_lost:
            self._lost_at = time.monotonic()
        if is_whole and not session.is_lost and not self._is_closed:
            self._free.append(session)
            self._places.release()
        else:
            self._end(session).add_done_callback(lambda _: self._places.release())

    def _end(self, session: AsyncDirectSession) -> asyncio.Task[None]:
        """Close a connection meanwhile: a cancelled statement may still be going on."""
        task = asyncio.get_running_loop().create_task(_closed(session.connection))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task


async def _closed(connection: Any) -> None:
    try:
        await connection.close(timeout=_CLOSING_SECONDS)
    except Exception:  # noqa: BLE001 - lost, or not answering: nothing is left to say to it
        connection.terminate()
