"""A client of Upstash that is replaced when its connections turn out to be useless.

A firewall that drops connections without notice drops all of them: one request that gets no answer
in time shows that the others' connections are useless, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from chatstore.core.backend import Health, PoolTimeoutError
from chatstore.upstash.errors import judge


class _Generation:
    """A client and the calls that use it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.users = 0
        self.is_retired = False


class _Generations:
    """The client for new calls; older ones are closed when their last call ends."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._current: _Generation | None = None

    def acquire(self) -> _Generation:
        """Return the current client for a call."""
        with self._lock:
            if self._current is None:
                self._current = _Generation(self._make())
            self._current.users += 1
            return self._current

    def release(self, generation: _Generation) -> Any | None:
        """End a call; return a client that must be closed now, or ``None``."""
        with self._lock:
            generation.users -= 1
            is_unused = generation.is_retired and not generation.users
        return generation.client if is_unused else None

    def retire(self, generation: _Generation) -> None:
        """Let new calls use another client."""
        with self._lock:
            generation.is_retired = True
            if self._current is generation:
                self._current = None

    def end(self) -> Any | None:
        """Return the current client, which must be closed now."""
        with self._lock:
            current, self._current = self._current, None
        return None if current is None else current.client

    @property
    def client(self) -> Any | None:
        """The current client, if there is one."""
        current = self._current
        return None if current is None else current.client


class RenewingClient:
    """Executes commands for threads."""

    def __init__(self, make: Callable[[], Any], max_connections: int, timeout: float) -> None:
        """Make a client later.

        Args:
            make: Makes a client.
            max_connections: The most requests at once.
            timeout: Seconds for which further requests wait.

        """
        self.generations = _Generations(make)
        self._free = threading.BoundedSemaphore(max_connections)
        self._timeout = timeout

    def execute(self, command: list[str]) -> Any:
        """Execute a command.

        Raises:
            PoolTimeoutError: There were too many requests at once for the whole timeout.

        """
        if not self._free.acquire(timeout=self._timeout):
            raise PoolTimeoutError
        try:
            generation = self.generations.acquire()
            try:
                return generation.client.execute(command)
            except Exception as error:
                if _is_outdated(error):
                    self.generations.retire(generation)
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


class AsyncRenewingClient:
    """Executes commands for the tasks of one event loop; see `RenewingClient`."""

    def __init__(self, make: Callable[[], Any], max_connections: int, timeout: float) -> None:
        """Take what makes a client; see `RenewingClient`."""
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        self.generations = _Generations(make)
        self._free = asyncio.BoundedSemaphore(max_connections)
        self._timeout = timeout

    async def execute(self, command: list[str]) -> Any:
        """Execute a command; see `RenewingClient.execute`."""
        import asyncio  # noqa: PLC0415 - loaded, as there is a loop

        try:
            await asyncio.wait_for(self._free.acquire(), self._timeout)
        except asyncio.TimeoutError:
            raise PoolTimeoutError from None
        try:
            generation = self.generations.acquire()
            try:
                return await generation.client.execute(command)
            except Exception as error:
                if _is_outdated(error):
                    self.generations.retire(generation)
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


def _is_outdated(error: Exception) -> bool:
    verdict = judge(error)
    return verdict is not None and verdict.health is Health.OUTDATED
