"""redis-py's clients of a cluster, with bounded connections and bounded retries."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from chatstore.core.backend import PoolTimeoutError, async_run, run
from chatstore.redis.retrying import Attempt, sending
from chatstore.redis.settings import Settings


class Cluster:
    """Sends commands for threads; `max_connections` calls at once, so many for each node."""

    retries_writes = True

    def __init__(self, make: Callable[[], Any], settings: Settings, place: str) -> None:
        """Take what makes the client, which asks for the nodes."""
        self._make = make
        self._settings = settings
        self._place = place
        self._client: Any | None = None
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(settings.max_connections)

    def execute_command(self, *arguments: Any, is_write: bool = False, **options: Any) -> Any:
        """Send a command to the node that it is for, and return the reply."""
        return self._run(
            lambda client: client.execute_command(*arguments, **options), is_write=is_write
        )

    def get_primaries(self) -> Any:
        """Return the nodes that take writes."""
        return self._run(lambda client: client.get_primaries(), is_write=False)

    def _run(self, ask: Callable[[Any], Any], *, is_write: bool) -> Any:
        patience = self._settings.patience
        return run(sending((ask,), None, self._place, patience, is_write=is_write), self)

    def attempt(self, attempt: Attempt) -> Any:
        """Call redis-py once, which follows redirections by itself."""
        if not self._free.acquire(timeout=self._settings.timeout):
            raise PoolTimeoutError
        try:
            client = self._connected()
            attempt.was_sent = True
            return attempt.command[0](client)
        finally:
            self._free.release()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            self._client.close()


class AsyncCluster:
    """Sends commands for the tasks of one event loop; see `Cluster`."""

    retries_writes = True

    def __init__(self, client: Any, settings: Settings, place: str) -> None:
        """Take the client."""
        self._client = client
        self._settings = settings
        self._place = place
        self._free = asyncio.BoundedSemaphore(settings.max_connections)

    async def execute_command(self, *arguments: Any, is_write: bool = False, **options: Any) -> Any:
        """Like `Cluster.execute_command`, but awaitable."""
        return await self._run(
            lambda client: client.execute_command(*arguments, **options), is_write=is_write
        )

    async def get_primaries(self) -> Any:
        """Like `Cluster.get_primaries`, but awaitable."""
        return await self._run(lambda client: client.get_primaries(), is_write=False)

    async def _run(self, ask: Callable[[Any], Any], *, is_write: bool) -> Any:
        patience = self._settings.patience
        return await async_run(
            sending((ask,), None, self._place, patience, is_write=is_write), self
        )

    async def attempt(self, attempt: Attempt) -> Any:
        """Call redis-py once, which follows redirections by itself."""
        try:
            await asyncio.wait_for(self._free.acquire(), self._settings.timeout)
        except asyncio.TimeoutError as error:
            raise PoolTimeoutError from error
        try:
            # Before it knows its nodes, redis-py's client cannot run commands side by side.
            await self._client.initialize()
            attempt.was_sent = True
            reply = attempt.command[0](self._client)
            return await reply if asyncio.iscoroutine(reply) else reply
        finally:
            self._free.release()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()
