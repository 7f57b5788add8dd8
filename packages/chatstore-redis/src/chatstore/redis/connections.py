"""Commands on redis-py's connections, without its client around them.

redis-py's client and pool cost as much as all else that an append does in Python. The plans need
little of them: a connection that nobody else uses, and commands that are sent again after a
connection broke.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import redis
from redis.exceptions import MaxConnectionsError

if sys.version_info >= (3, 11):
    from asyncio import timeout as bounded
else:  # of the same form, and here with redis-py
    from async_timeout import timeout as bounded  # pyright: ignore[reportMissingImports]


class Connections:
    """At most so many connections for all threads; that used last is lent first."""

    def __init__(self, make: Callable[[], Any], retry: Any, most: int, patience: float) -> None:
        """Take what makes a connection, and redis-py's ``Retry``; nothing is opened.

        Args:
            make: Returns a connection of redis-py, which connects when it first sends.
            retry: When a command is sent again after its connection broke, and how often.
            most: How many connections there are; further calls wait for one.
            patience: Seconds to wait for one.

        """
        self._make = make
        self._retry = retry
        self._patience = patience
        self._room = threading.Semaphore(most)
        self._free: list[Any] = []
        self._is_closed = False

    def execute_command(self, *arguments: Any) -> Any:
        """Send a command and return the reply; redis-py's errors are raised."""
        if not self._room.acquire(timeout=self._patience):
            raise _no_connection()
        try:
            return self._ask(arguments)
        finally:
            self._room.release()

    def _ask(self, arguments: tuple[Any, ...]) -> Any:
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._make()
        is_sound = False
        try:
            command = connection.pack_command(*arguments)

            def ask() -> Any:
                connection.send_packed_command(command)
                return connection.read_response()

            try:
                reply = ask()
            except redis.ConnectionError:
                # It may have been idle for so long that the server closed it: at once, then.
                connection.disconnect()
                reply = self._retry.call_with_retry(ask, lambda _: connection.disconnect())
            is_sound = True
        except redis.ResponseError:
            is_sound = True
            raise
        finally:
            if self._is_closed or not is_sound:
                connection.disconnect()  # an answer may still be on its way
            self._free.append(connection)
        return reply

    def close(self) -> None:
        """Close what is not in use now, and the others as they come back."""
        self._is_closed = True
        for connection in list(self._free):
            connection.disconnect()


class AsyncConnections:
    """The same for the tasks of one event loop."""

    def __init__(self, make: Callable[[], Any], retry: Any, most: int, patience: float) -> None:
        """Take what makes a connection, and redis-py's ``Retry`` for asyncio; nothing is opened.

        Args:
            make: Returns a connection without a timeout for answers: redis-py makes a task for
                each command to keep that.
            retry: When a command is sent again after its connection broke, and how often.
            most: How many connections there are; further calls wait for one.
            patience: Seconds to wait for one, and then for the answer.

        """
        self._make = make
        self._retry = retry
        self._patience = patience
        self._room = asyncio.Semaphore(most)
        self._free: list[Any] = []
        self._is_closed = False

    async def execute_command(self, *arguments: Any) -> Any:
        """Send a command and return the reply; redis-py's errors are raised."""
        if self._room.locked():  # only who has to wait needs a bound
            await self._wait_for_room()
        else:
            await self._room.acquire()
        try:
            return await self._ask(arguments)
        finally:
            self._room.release()

    async def _wait_for_room(self) -> None:
        try:
            async with bounded(self._patience):
                await self._room.acquire()
        except asyncio.TimeoutError:
            raise _no_connection() from None

    async def _ask(self, arguments: tuple[Any, ...]) -> Any:
        connection = self._free.pop() if self._free else self._make()
        is_sound = False
        try:
            command = connection.pack_command(*arguments)

            async def ask() -> Any:
                async with bounded(self._patience):
                    await connection.send_packed_command(command)
                    return await connection.read_response()

            try:
                reply = await ask()
            except redis.ConnectionError:
                # As above.
                await connection.disconnect(nowait=True)
                reply = await self._retry.call_with_retry(
                    ask, lambda _: connection.disconnect(nowait=True)
                )
            is_sound = True
        except redis.ResponseError:
            is_sound = True
            raise
        except asyncio.TimeoutError as error:
            raise redis.TimeoutError from error
        finally:
            if self._is_closed or not is_sound:
                await connection.disconnect(nowait=True)
            self._free.append(connection)
        return reply

    async def aclose(self) -> None:
        """Close what is not in use now, and the others as they come back."""
        self._is_closed = True
        for connection in list(self._free):
            await connection.disconnect()


def _no_connection() -> Exception:
    return MaxConnectionsError("all connections are in use")
