"""``AsyncConnections``: the connections of one event loop, most commands on one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from chatstore.core.backend import AsyncPool, Health
from chatstore.redis.async_sessions import AsyncRedisSession
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.sessions import CHECK_SECONDS
from chatstore.redis.settings import RedisSettings
from chatstore.redis_scripts import Attempt, Command, ScanPage, scan_command

_SMALL_COMMAND = 65_536  # characters


class AsyncConnections:
    """Sends commands for the tasks of one event loop.

    Commands with small replies share a connection: those of one pass of the loop are sent
    together, which costs less than a connection for each. A long command or reply would hold up
    the others, so it has a connection of its own.
    """

    def __init__(self, settings: RedisSettings, mode: ServerMode) -> None:
        """Create an empty pool; nothing is opened.

        Args:
            settings: The server, the timeout and the size of the pool.
            mode: Checks that the server is of the expected kind.

        """
        self.pool: AsyncPool[AsyncRedisSession] = AsyncPool(
            partial(AsyncRedisSession.open, settings.address, settings.timeout, mode),
            settings.max_connections,
            settings.timeout,
            idle_check_after=CHECK_SECONDS,
        )
        self._is_single = settings.max_connections == 1
        self._is_closed = False
        self._shared: AsyncRedisSession | None = None
        self._choosing = asyncio.Lock()
        self._failure: Exception | None = None

    async def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command once and return the reply."""
        is_small = attempt.is_brief and sum(map(len, command)) <= _SMALL_COMMAND
        if is_small or self._is_single:
            return await self._send_shared(command, attempt)
        session = await self.pool.acquire()
        try:
            return await session.execute(command, attempt)
        finally:
            self.pool.release(session)

    async def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands at the same time."""
        return await asyncio.gather(*[self.send(command, attempt) for command in commands])

    async def scan(
        self, cursor: Any | None, pattern: str, count: int, attempt: Attempt
    ) -> ScanPage:
        """List keys."""
        position, names = await self.send(scan_command(cursor, pattern, count), attempt)
        return ScanPage(int(position) or None, names)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close idle connections now, the others when they are released."""
        self._is_closed = True
        self._stop_sharing()
        await self.pool.close()

    async def _send_shared(self, command: Command, attempt: Attempt) -> Any:
        session = self._shared
        # A connection that is being checked may turn out to be dead.
        if session is None or self._choosing.locked() or not self._is_fine(session):
            session = await self._choose()
        session.users += 1
        try:
            return await session.execute(command, attempt)
        finally:
            session.users -= 1
            if session is not self._shared:
                self._release_unused(session)

    def _is_fine(self, session: AsyncRedisSession) -> bool:
        is_healthy = session.health is Health.FINE and not self.pool.is_outdated(session)
        return is_healthy and session.idle_seconds <= CHECK_SECONDS

    async def _choose(self) -> AsyncRedisSession:
        """Return a connection to share that answers: the present one, or another."""
        known = self._failure
        async with self._choosing:
            if self._failure is not None and self._failure is not known:
                # It failed while this call waited; trying again would wait as long again.
                raise self._failure.with_traceback(None)
            session = self._shared
            if session is not None and not self._is_fine(session):
                if not await self._answers(session):
                    self._stop_sharing()
                session = self._shared  # `None` too if the client was closed during the check
            return session or await self._open()

    async def _open(self) -> AsyncRedisSession:
        try:
            session = await self.pool.acquire()
        except Exception as error:
            self._failure = error
            raise
        self._failure = None
        if not self._is_closed:  # otherwise the connection is closed after this call
            self._shared = session
        return session

    async def _answers(self, session: AsyncRedisSession) -> bool:
        if session.health is not Health.FINE or self.pool.is_outdated(session):
            return False
        return await session.is_alive()

    def _stop_sharing(self) -> None:
        """Let later calls choose another connection."""
        session, self._shared = self._shared, None
        if session is None:
            return
        if session.health is Health.OUTDATED:
            self.pool.mark_outdated()  # now: it is released only after its last reply
        self._release_unused(session)

    def _release_unused(self, session: AsyncRedisSession) -> None:
        """Give a connection back to the pool, unless calls still wait for replies on it."""
        if session.users == 0:
            self.pool.release(session)
