"""Clients of a cluster: redis-py's, with a limited number of connections."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from chatstore.core.backend import PoolTimeoutError
from chatstore.redis.redis_py import AsyncRedisPyClient, RedisPyClient
from chatstore.redis.settings import RedisSettings
from chatstore.redis_scripts import Attempt, Command, ScanPage

T = TypeVar("T")


class Cluster:
    """Sends commands for threads, at most ``max_connections`` at once."""

    def __init__(self, make: Callable[[], Any], settings: RedisSettings) -> None:
        """Open nothing yet.

        Args:
            make: Makes redis-py's client, which asks a node for all nodes.
            settings: The options of the store.

        """
        self._make = make
        self._timeout = settings.timeout
        self._server = settings.address.server
        self._client: RedisPyClient | None = None
        self._own: Any | None = None  # redis-py's client
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(settings.max_connections)

    def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command to the node of its keys; redis-py follows redirections."""
        return self._use(lambda client: client.send(command, attempt))

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send each node its commands together."""
        return self._use(lambda client: client.send_all(commands, attempt))

    def scan(self, cursor: Any | None, pattern: str, count: int, attempt: Attempt) -> ScanPage:
        """List keys, one node after the other."""
        return self._use(lambda client: client.scan(cursor, pattern, count, attempt))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the client."""
        if self._own is not None:
            self._own.close()

    def _use(self, step: Callable[[RedisPyClient], T]) -> T:
        if not self._free.acquire(timeout=self._timeout):
            raise PoolTimeoutError
        try:
            return step(self._connected())
        finally:
            self._free.release()

    def _connected(self) -> RedisPyClient:
        with self._lock:
            if self._client is None:
                self._own = self._make()
                self._client = RedisPyClient(self._own, self._server)
            return self._client


class AsyncCluster:
    """Sends commands for the tasks of one event loop; see `Cluster`."""

    def __init__(self, client: Any, settings: RedisSettings) -> None:
        """Take redis-py's client; see `Cluster`."""
        self._own = client
        self._client = AsyncRedisPyClient(client, settings.address.server)
        self._timeout = settings.timeout
        self._free = asyncio.BoundedSemaphore(settings.max_connections)

    async def send(self, command: Command, attempt: Attempt) -> Any:
        """See `Cluster.send`."""
        return await self._use(lambda client: client.send(command, attempt))

    async def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """See `Cluster.send_all`."""
        return await self._use(lambda client: client.send_all(commands, attempt))

    async def scan(
        self, cursor: Any | None, pattern: str, count: int, attempt: Attempt
    ) -> ScanPage:
        """See `Cluster.scan`."""
        return await self._use(lambda client: client.scan(cursor, pattern, count, attempt))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the client."""
        await self._own.aclose()

    async def _use(self, step: Callable[[AsyncRedisPyClient], Awaitable[T]]) -> T:
        try:
            await asyncio.wait_for(self._free.acquire(), self._timeout)
        except asyncio.TimeoutError as error:
            raise PoolTimeoutError from error
        try:
            # Before it knows the nodes, redis-py's client cannot run commands concurrently.
            await self._own.initialize()
            return await step(self._client)
        finally:
            self._free.release()
