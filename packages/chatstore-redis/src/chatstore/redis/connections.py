"""Commands on redis-py's connections, without its client and pool around them.

Those cost as much as all else that an append does in Python. The plans need little of them: a
connection that nobody else uses, and commands that are sent again after a connection broke.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis

from chatstore.core.plans import Plan, async_run, call, run
from chatstore.core.pools import AsyncPool, Health, Pool
from chatstore.lua import Meanwhile

if sys.version_info >= (3, 11):
    from asyncio import timeout as bounded
else:  # of the same form, and here with redis-py
    from async_timeout import timeout as bounded  # pyright: ignore[reportMissingImports]

_CONNECTIONS = 64  # beyond them calls wait for one
_PAUSES = (0.0, 0.02, 0.04, 0.08, 0.16, 0.2)
"""Seconds before a command is sent again. At once first: the server may have closed a connection
that was idle."""


class Connections:
    """Sends commands for threads."""

    overlaps = True
    """Something can be done while the server works, which clients of redis-py cannot."""

    def __init__(self, make: Callable[[], Any], timeout: float) -> None:
        """Take what makes a connection of redis-py, which bounds each answer itself.

        Args:
            make: Returns a connection, which connects when it first sends.
            timeout: Seconds to wait for a free one.

        """
        self._pool = Pool(lambda: _Session(make()), _CONNECTIONS, timeout)

    def execute_command(self, *arguments: Any, meanwhile: Meanwhile = None) -> Any:
        """Send a command and return the reply; redis-py's errors are raised.

        Args:
            arguments: The command.
            meanwhile: Called when it is on its way; again, where it was sent again.

        """
        with self._pool.session() as session:
            return run(_asking(arguments, meanwhile), session)

    def close(self) -> None:
        """Close what is not in use now, and the others as they come back."""
        self._pool.close()


class AsyncConnections:
    """Sends commands for the tasks of one event loop."""

    overlaps = True

    def __init__(self, make: Callable[[], Any], timeout: float) -> None:
        """Take what makes a connection of redis-py.

        Args:
            make: Returns a connection, which connects when it first sends and bounds no answer:
                redis-py makes a task for each command to do so.
            timeout: Seconds to wait for a free one, and then for the answer.

        """

        async def session() -> _AsyncSession:
            return _AsyncSession(make(), timeout)

        self._pool = AsyncPool(session, _CONNECTIONS, timeout)

    async def execute_command(self, *arguments: Any, meanwhile: Meanwhile = None) -> Any:
        """Like that of `Connections`, but awaitable."""
        async with self._pool.session() as session:
            return await async_run(_asking(arguments, meanwhile), session)

    async def aclose(self) -> None:
        """Close what is not in use now, and the others as they come back."""
        await self._pool.close()


class _Base:
    """What sessions of both colours know of a connection (a `chatstore.core.pools.Session`)."""

    health = Health.FINE  # a connection of redis-py connects again

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.is_reusable = True
        self.created_at = time.monotonic()


class _Session(_Base):
    def ask(self, command: tuple[Any, ...], meanwhile: Meanwhile) -> Any:
        self.is_reusable = False
        try:
            self._connection.send_packed_command(_packed(command))
            if meanwhile is not None:
                meanwhile()
            reply = self._connection.read_response()
        except redis.ResponseError:
            self.is_reusable = True
            raise
        self.is_reusable = True
        return reply

    def is_alive(self) -> bool:
        try:
            return bool(self.ask(("PING",), None))
        except redis.RedisError:
            return False

    def close(self) -> None:
        self._connection.disconnect()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _AsyncSession(_Base):
    def __init__(self, connection: Any, timeout: float) -> None:
        super().__init__(connection)
        self._timeout = timeout

    async def ask(self, command: tuple[Any, ...], meanwhile: Meanwhile) -> Any:
        self.is_reusable = False
        try:
            if meanwhile is None:
                async with bounded(self._timeout):
                    await self._connection.send_packed_command(_packed(command))
                    reply = await self._connection.read_response()
            else:  # its time is not the server's
                async with bounded(self._timeout):
                    await self._connection.send_packed_command(_packed(command))
                meanwhile()
                async with bounded(self._timeout):
                    reply = await self._connection.read_response()
        except redis.ResponseError:
            self.is_reusable = True
            raise
        except asyncio.TimeoutError as error:
            raise redis.TimeoutError from error
        self.is_reusable = True
        return reply

    async def is_alive(self) -> bool:
        try:
            return bool(await self.ask(("PING",), None))
        except redis.RedisError:
            return False

    async def close(self) -> None:
        # With TLS the socket is open until the server took leave too; it may not, and is left then.
        with suppress(redis.TimeoutError):
            await self._connection.disconnect()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _packed(command: tuple[Any, ...]) -> list[bytes]:
    """Return a command as an array of bulk strings, in one piece.

    redis-py packs it too, but slower: that took a third of what an append does in Python.
    https://redis.io/docs/latest/develop/reference/protocol-spec/
    """
    parts = [f"*{len(command)}\r\n"]
    for argument in command:
        text = str(argument)
        size = len(text) if text.isascii() else len(text.encode())
        parts.append(f"${size}\r\n{text}\r\n")
    return ["".join(parts).encode()]


def _asking(command: tuple[Any, ...], meanwhile: Meanwhile) -> Plan[Any]:
    """Send a command until its connection holds.

    One that is not answered in time is not sent again: that would double the wait.
    """
    for pause in _PAUSES:
        try:
            return (yield from call(lambda session: session.ask(command, meanwhile)))
        except redis.ConnectionError:
            yield from call(lambda session: session.close())
        if pause:
            yield from call(lambda session: session.sleep(pause))  # noqa: B023 - called at once
    return (yield from call(lambda session: session.ask(command, meanwhile)))
