"""``AsyncUpstashClient``: sends the requests of one event loop's tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from chatstore.core.backend import PoolTimeoutError
from chatstore.redis_scripts import Attempt, Command, ScanPage, scan_command
from chatstore.upstash.answers import read_answer
from chatstore.upstash.connections import AsyncConnections, Endpoint
from chatstore.upstash.generations import Generations
from chatstore.upstash.pipelining import (
    MAX_SHARED_REQUESTS,
    SMALL_COMMAND,
    CommandQueue,
    acquire,
    run_to_end,
)
from chatstore.upstash.requests import encode, read_scan


class AsyncUpstashClient:
    """Sends short commands together, the others by themselves.

    A request that was sent may take effect, so a cancelled call ends only after its request.
    """

    def __init__(self, endpoint: Endpoint, max_connections: int, timeout: float) -> None:
        """Open nothing yet; see `UpstashClient`."""
        self.generations = Generations(lambda: AsyncConnections(endpoint))
        self._slots = asyncio.BoundedSemaphore(max_connections)
        self._timeout = timeout
        slots = asyncio.Semaphore(min(MAX_SHARED_REQUESTS, max_connections))
        self._queue = CommandQueue(self._post, slots, timeout)

    async def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command; ``attempt.meanwhile`` is not called."""
        body = encode(command)
        attempt.was_sent = True
        if attempt.is_brief and len(body) <= SMALL_COMMAND:
            return await self._queue.run(body)
        return await run_to_end(self._send_alone(body), self._timeout)

    async def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands at the same time."""
        return await asyncio.gather(*(self.send(command, attempt) for command in commands))

    async def scan(
        self, cursor: Any | None, pattern: str, count: int, attempt: Attempt
    ) -> ScanPage:
        """List keys."""
        return read_scan(await self.send(scan_command(cursor, pattern, count), attempt))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the connections."""
        connections = self.generations.end()
        if connections is not None:
            await connections.close()

    async def _send_alone(self, body: bytes) -> Any:
        return read_answer(await self._post("/", body))

    async def _post(self, path: str, body: bytes) -> bytes:
        if not await acquire(self._slots, self._timeout):
            raise PoolTimeoutError
        try:
            generation = self.generations.acquire()
            try:
                return await generation.client.post(path, body)
            except Exception as error:
                self.generations.check(generation, error)
                raise
            finally:
                unused = self.generations.release(generation)
                if unused is not None:
                    await unused.close()
        finally:
            self._slots.release()
