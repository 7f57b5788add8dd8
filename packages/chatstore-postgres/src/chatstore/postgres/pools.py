"""The store's own connections: a pool for threads, and one for each event loop.

They are not SQLAlchemy's pools, whose way through events, records and greenlets takes a fifth of
the client's time for an append.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import AsyncPool, ClientPerLoop, Pool
from chatstore.postgres.address import Address

if TYPE_CHECKING:  # a program of one mode needs one driver
    from chatstore.postgres.drivers.asyncpg import AsyncpgSession
    from chatstore.postgres.drivers.psycopg import PsycopgSession


class Pools:
    """Makes pools for one address and closes them."""

    def __init__(self, address: Address, timeout: float, size: int) -> None:
        """Note where and how; nothing is opened.

        Args:
            address: Where the database is.
            timeout: Seconds for making a connection, for waiting for a free one, and for an answer.
            size: The most connections for threads, and as many for each loop.

        """
        self._only_sync = address.only_sync

        def connect() -> PsycopgSession:
            from chatstore.postgres.drivers.psycopg import connector  # noqa: PLC0415 - as above

            return connector(address.libpq, timeout)()

        def make() -> AsyncPool[AsyncpgSession]:
            from chatstore.postgres.drivers.asyncpg import connector  # noqa: PLC0415 - as above

            connect = connector(address.asyncpg, address.libpq, timeout)
            return AsyncPool(connect, size, timeout)

        self.sync: Pool[PsycopgSession] = Pool(connect, size, timeout)
        self.of_loops: ClientPerLoop[AsyncPool[AsyncpgSession]] = ClientPerLoop(make, _close)

    @asynccontextmanager
    async def async_session(self) -> AsyncIterator[AsyncpgSession]:
        """Acquire a connection of the running loop's pool.

        Raises:
            InvalidArgumentError: The URL has an option that asyncpg would have to leave out.

        """
        if self._only_sync is not None:
            raise InvalidArgumentError(
                f"asyncpg cannot do what the option {self._only_sync} asks for: remove it from "
                "the URL or the environment, or use the sync methods"
            )
        async with (await self.of_loops.get()).session() as session:
            yield session

    def close(self) -> None:
        """Close all pools; that of an idle loop is closed when the loop shuts down."""
        self.sync.close()
        self.of_loops.close()

    async def async_close(self) -> None:
        """Close all pools."""
        await self.of_loops.async_close()
        await asyncio.to_thread(self.sync.close)


async def _close(pool: AsyncPool[AsyncpgSession]) -> None:
    await pool.close()
