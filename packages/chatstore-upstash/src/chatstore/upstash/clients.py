"""Adapters that make upstash-redis's clients usable as `ScriptClient`: the store's and callers'."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from chatstore.core.backend import PoolTimeoutError
from chatstore.redis_scripts import Attempt, Command, ScanPage, scan_command
from chatstore.upstash.generations import Generations
from chatstore.upstash.requests import check_size, foreign_answers, read_scan

T = TypeVar("T")


class _Client(ABC):
    """A client for threads."""

    def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command; ``attempt.meanwhile`` is not called."""
        check_size(command)
        attempt.was_sent = True
        return self._execute(list(command))

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands one after the other."""
        return [self.send(command, attempt) for command in commands]

    @abstractmethod
    def _execute(self, command: list[str]) -> Any: ...

    def scan(self, cursor: Any | None, pattern: str, count: int, attempt: Attempt) -> ScanPage:
        """List keys."""
        return read_scan(self.send(scan_command(cursor, pattern, count), attempt))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class SdkClient(_Client):
    """Sends requests with the caller's client."""

    def __init__(self, client: Any) -> None:
        """Take a client of upstash-redis."""
        self._client = client

    def _execute(self, command: list[str]) -> Any:
        with foreign_answers():
            return self._client.execute(command)


class UpstashClient(_Client):
    """Sends requests with clients that are replaced when their connections are useless."""

    def __init__(self, make: Callable[[], Any], max_connections: int, timeout: float) -> None:
        """Open nothing yet.

        Args:
            make: Makes a client of upstash-redis.
            max_connections: The most requests at once.
            timeout: Seconds for which further requests wait for one to end.

        """
        self.generations = Generations(make)
        self._free = threading.BoundedSemaphore(max_connections)
        self._timeout = timeout

    def _execute(self, command: list[str]) -> Any:
        if not self._free.acquire(timeout=self._timeout):
            raise PoolTimeoutError
        try:
            generation = self.generations.acquire()
            try:
                with foreign_answers():
                    return generation.client.execute(command)
            except Exception as error:
                self.generations.check(generation, error)
                raise
            finally:
                unused = self.generations.release(generation)
                if unused is not None:
                    unused.close()
        finally:
            self._free.release()

    def close(self) -> None:
        """Close the current client."""
        client = self.generations.end()
        if client is not None:
            client.close()


class _AsyncClient(ABC):
    """A client for the tasks of an event loop.

    A request that was sent may take effect, so a cancelled call ends only after its request.
    """

    def __init__(self, timeout: float) -> None:
        """Set the time limit.

        Args:
            timeout: Seconds for which a cancelled call waits for the end of its request.

        """
        self._timeout = timeout

    async def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command; ``attempt.meanwhile`` is not called."""
        check_size(command)
        attempt.was_sent = True
        return await _finish(self._execute(list(command)), self._timeout)

    async def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands one after the other."""
        return [await self.send(command, attempt) for command in commands]

    @abstractmethod
    async def _execute(self, command: list[str]) -> Any: ...

    async def scan(
        self, cursor: Any | None, pattern: str, count: int, attempt: Attempt
    ) -> ScanPage:
        """List keys."""
        return read_scan(await self.send(scan_command(cursor, pattern, count), attempt))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        import asyncio  # a sync program never loads it

        await asyncio.sleep(seconds)


class AsyncSdkClient(_AsyncClient):
    """Sends requests with the caller's client, on its event loop."""

    def __init__(self, client: Any, timeout: float) -> None:
        """Take a client of upstash-redis."""
        super().__init__(timeout)
        self._client = client

    async def _execute(self, command: list[str]) -> Any:
        with foreign_answers():
            return await self._client.execute(command)


class AsyncUpstashClient(_AsyncClient):
    """Like `UpstashClient`, for the tasks of one event loop."""

    def __init__(self, make: Callable[[], Any], max_connections: int, timeout: float) -> None:
        """Open nothing yet; see `UpstashClient`."""
        import asyncio  # as above

        super().__init__(timeout)
        self.generations = Generations(make)
        self._free = asyncio.BoundedSemaphore(max_connections)

    async def _execute(self, command: list[str]) -> Any:
        import asyncio  # as above

        try:
            await asyncio.wait_for(self._free.acquire(), self._timeout)
        except asyncio.TimeoutError:
            raise PoolTimeoutError from None
        try:
            generation = self.generations.acquire()
            try:
                with foreign_answers():
                    return await generation.client.execute(command)
            except Exception as error:
                self.generations.check(generation, error)
                raise
            finally:
                unused = self.generations.release(generation)
                if unused is not None:
                    await unused.close()
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close the current client."""
        client = self.generations.end()
        if client is not None:
            await client.close()


async def _finish(request: Awaitable[T], timeout: float) -> T:
    """Await a request; if the caller is cancelled, wait up to ``timeout`` seconds for its end."""
    import asyncio  # as above

    task = asyncio.ensure_future(request)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        end = time.monotonic() + timeout
        while not task.done() and (left := end - time.monotonic()) > 0:
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task], timeout=left)
        if not task.cancel() and not task.cancelled():
            task.exception()  # mark as retrieved: the caller gets the cancellation instead
        raise
