"""Adapters that make callers' clients of upstash-redis usable as `ScriptClient`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from chatstore.redis_scripts import Attempt, Command, ScanPage, scan_command
from chatstore.upstash.requests import check_size, foreign_answers, read_scan


class SdkClient:
    """Sends requests with the caller's client."""

    def __init__(self, client: Any) -> None:
        """Take a client of upstash-redis."""
        self._client = client

    def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command; ``attempt.meanwhile`` is not called."""
        check_size(command)
        attempt.was_sent = True
        with foreign_answers():
            return self._client.execute(list(command))

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands one after the other."""
        return [self.send(command, attempt) for command in commands]

    def scan(self, cursor: Any | None, pattern: str, count: int, attempt: Attempt) -> ScanPage:
        """List keys."""
        return read_scan(self.send(scan_command(cursor, pattern, count), attempt))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class AsyncSdkClient:
    """Sends requests with the caller's client, on its event loop."""

    def __init__(self, client: Any, timeout: float) -> None:
        """Take a client.

        Args:
            client: The client.
            timeout: Seconds for which a cancelled call waits for the end of its request.

        """
        self._client = client
        self._timeout = timeout

    async def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command; ``attempt.meanwhile`` is not called."""
        from chatstore.upstash.pipelining import run_to_end  # a sync program never loads asyncio

        check_size(command)
        attempt.was_sent = True
        return await run_to_end(self._execute(list(command)), self._timeout)

    async def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send commands one after the other."""
        return [await self.send(command, attempt) for command in commands]

    async def scan(
        self, cursor: Any | None, pattern: str, count: int, attempt: Attempt
    ) -> ScanPage:
        """List keys."""
        return read_scan(await self.send(scan_command(cursor, pattern, count), attempt))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        import asyncio  # as above

        await asyncio.sleep(seconds)

    async def _execute(self, command: list[str]) -> Any:
        with foreign_answers():
            return await self._client.execute(command)
