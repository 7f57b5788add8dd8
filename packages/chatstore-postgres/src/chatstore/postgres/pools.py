"""Our own connections: a pool for threads, one for each event loop.

They are not SQLAlchemy's pools, whose way through events, records and greenlets takes a fifth of
the client's time for an append.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatstore.core.loops import PerLoop
from chatstore.core.pools import AsyncPool, Pool
from chatstore.postgres.sessions import AsyncDirectSession, DirectSession


class Pools:
    """Makes pools for one address and closes them."""

    def __init__(self, libpq: str, asyncpg: str, timeout: float, size: int) -> None:
        """Note where and how; nothing is opened.

        Args:
            libpq: The URL for psycopg.
            asyncpg: The URL for asyncpg.
            timeout: Seconds for making a connection, for waiting for a free one, and for an answer.
            size: The most connections for threads, and as many for each loop.

        """

        def connect() -> DirectSession:
            # Imported here, both: a program of one colour needs one driver.
            from chatstore.postgres import bounded  # noqa: PLC0415

            return DirectSession(bounded.connect(libpq, timeout))

        def make() -> AsyncPool[AsyncDirectSession]:
            from chatstore.postgres.probed import connector  # noqa: PLC0415

            open_one = connector(asyncpg, timeout)

            async def connect() -> AsyncDirectSession:
                return AsyncDirectSession(await open_one())

            return AsyncPool(connect, size, timeout)

        self.sync = Pool(connect, size, timeout)
        self.of_loops = PerLoop(make, AsyncPool[AsyncDirectSession].close)

    @asynccontextmanager
    async def async_lend(self) -> AsyncIterator[AsyncDirectSession]:
        """Lend a connection of the running loop's pool."""
        async with (await self.of_loops.get()).session() as session:
            yield session

    def close(self) -> None:
        """Close all pools; that of a loop that stands still is closed with the loop."""
        self.sync.close()
        self.of_loops.close()

    async def async_close(self) -> None:
        """Close all pools."""
        await self.of_loops.async_close()
        await asyncio.to_thread(self.sync.close)
