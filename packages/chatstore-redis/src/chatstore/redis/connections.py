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
import redis.asyncio

from chatstore.core.backend import AsyncPool, Health, Pool, async_run, run
from chatstore.redis.errors import TLS_TIMEOUT, judge
from chatstore.redis.retrying import Attempt, sending
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import Settings
from chatstore.redis_scripts import Meanwhile

if sys.version_info >= (3, 11):
    from asyncio import timeout as bounded
else:  # of the same form, and here with redis-py
    from async_timeout import timeout as bounded  # pyright: ignore[reportMissingImports]

_CHECK_SECONDS = 1.0
"""How long a connection may be idle before it is checked, and how long the check may take: a
firewall drops idle connections without notice."""


_HOT_SECONDS = 0.001
"""A connection that was used within this time is not looked at: it costs some microseconds."""


class Connections:
    """Sends commands for threads."""

    retries_writes = True
    """Commands take `is_write`."""
    overlaps = True
    """The caller can do something while the server works, which clients of redis-py cannot."""

    def __init__(
        self, make: Callable[[], Any], settings: Settings, place: str, mode: ServerMode
    ) -> None:
        """Make an empty pool; nothing is opened.

        Args:
            make: Returns a connection of redis-py, which bounds each answer itself.
            settings: The timeout and the size of the pool.
            place: The server, for errors and logs.
            mode: Checks that the server is of the expected kind.

        """
        self._place = place
        self._patience = settings.patience

        def open_session() -> _Session:
            session = _Session(make(), settings.timeout)
            session.open(mode)
            return session

        self._pool = Pool(
            open_session,
            settings.max_connections,
            settings.timeout,
            idle_check_after=_CHECK_SECONDS,
        )

    def execute_command(
        self, *arguments: Any, meanwhile: Meanwhile = None, is_write: bool = False
    ) -> Any:
        """Send a command, again if its connection broke, and return the reply.

        Args:
            arguments: The command.
            meanwhile: Called when the command is on its way; again, where it is sent again.
            is_write: Whether the command would change something.

        """
        plan = sending(arguments, meanwhile, self._place, self._patience, is_write=is_write)
        return run(plan, self)

    def attempt(self, attempt: Attempt) -> Any:
        """Send a command once."""
        with self._pool.session() as session:
            return session.ask(attempt)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close idle connections now, and the others when they are released."""
        self._pool.close()


class AsyncConnections:
    """Sends commands for the tasks of one event loop; see `Connections`."""

    retries_writes = True
    overlaps = True

    def __init__(
        self, make: Callable[[], Any], settings: Settings, place: str, mode: ServerMode
    ) -> None:
        """Make an empty pool; see `Connections`.

        Args:
            make: Returns a connection of redis-py that bounds no answer: redis-py makes a task
                for each command to do so.
            settings: The timeout and the size of the pool.
            place: The server, for errors and logs.
            mode: Checks that the server is of the expected kind.

        """
        self._place = place
        self._patience = settings.patience

        async def open_session() -> _AsyncSession:
            session = _AsyncSession(make(), settings.timeout)
            await session.open(mode)
            return session

        self._pool = AsyncPool(
            open_session,
            settings.max_connections,
            settings.timeout,
            idle_check_after=_CHECK_SECONDS,
        )

    async def execute_command(
        self, *arguments: Any, meanwhile: Meanwhile = None, is_write: bool = False
    ) -> Any:
        """Like `Connections.execute_command`, but awaitable."""
        plan = sending(arguments, meanwhile, self._place, self._patience, is_write=is_write)
        return await async_run(plan, self)

    async def attempt(self, attempt: Attempt) -> Any:
        """Send a command once."""
        async with self._pool.session() as session:
            return await session.ask(attempt)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        """Close idle connections now, and the others when they are released."""
        await self._pool.close()


class _Base:
    """What sessions of both modes know of a connection (a `chatstore.core.backend.Session`)."""

    def __init__(self, connection: Any, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self._has_answered = False
        self._answered_at = 0.0
        self.health = Health.FINE
        self.is_reusable = True
        self.created_at = time.monotonic()

    def _begin(self, attempt: Attempt) -> bool:
        """Note that a command begins; tell whether the connection may have been closed."""
        self.is_reusable = False
        attempt.was_reused = self._has_answered
        return self._has_answered and time.monotonic() - self._answered_at > _HOT_SECONDS

    def _end(self) -> None:
        self._has_answered = self.is_reusable = True
        self._answered_at = time.monotonic()

    def _fail(self, error: Exception) -> None:
        """Note what an error says about the connection."""
        verdict = judge(error)
        if verdict is not None:
            self.health = verdict.health
            self.is_reusable = isinstance(error, redis.ResponseError)


class _Session(_Base):
    def open(self, mode: ServerMode) -> None:
        try:
            self._connect()
            if mode.is_unknown:
                mode.check(self._probe())
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        try:
            self._connection.connect()
        except redis.TimeoutError as error:
            raise _late(self._connection) from error

    def _probe(self) -> Any:
        """Ask for the server's mode; ``None`` where a server or a proxy does not tell."""
        try:
            return self.ask(Attempt(("HELLO",)))
        except redis.AuthenticationError:
            raise
        except redis.ResponseError:
            return None
        except redis.ConnectionError:  # some proxies hang up
            self._connection.disconnect()
            self._connect()
            self.health = Health.FINE
            return None

    def ask(self, attempt: Attempt) -> Any:
        may_be_closed = self._begin(attempt)
        try:
            # What was never sent cannot have been carried out.
            if may_be_closed and self._connection.can_read(0):
                raise redis.ConnectionError  # noqa: TRY301 - judged below
            attempt.was_sent = True
            self._connection.send_packed_command(_packed(attempt.command), check_health=False)
            if attempt.meanwhile is not None:
                attempt.meanwhile()
            reply = self._connection.read_response()
        except Exception as error:
            self._fail(error)
            raise
        self._end()
        return reply

    def is_alive(self) -> bool:
        try:
            self._connection.send_packed_command(_packed(("PING",)), check_health=False)
            if not self._connection.can_read(min(self._timeout, _CHECK_SECONDS)):
                return False
            self._connection.read_response()
        except redis.ResponseError:
            return True  # it answers, though it may forbid the command
        except (redis.RedisError, OSError):
            return False
        return True

    def close(self) -> None:
        self._connection.disconnect()


class _AsyncSession(_Base):
    def __init__(self, connection: Any, timeout: float) -> None:
        super().__init__(connection, timeout)
        # redis-py's name of it before version 8
        destructive = getattr(connection, "can_read_destructive", None)
        self._can_read: Any = getattr(connection, "can_read", destructive)

    async def open(self, mode: ServerMode) -> None:
        try:
            await self._connect()
            if mode.is_unknown:
                mode.check(await self._probe())
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> None:
        try:
            async with bounded(self._timeout):
                await self._connection.connect()
        except (asyncio.TimeoutError, redis.TimeoutError) as error:
            raise _late(self._connection) from error

    async def _probe(self) -> Any:
        """Ask for the server's mode; ``None`` where a server or a proxy does not tell."""
        try:
            return await self.ask(Attempt(("HELLO",)))
        except redis.AuthenticationError:
            raise
        except redis.ResponseError:
            return None
        except redis.ConnectionError:  # some proxies hang up
            await self._connection.disconnect()
            await self._connect()
            self.health = Health.FINE
            return None

    async def ask(self, attempt: Attempt) -> Any:
        may_be_closed = self._begin(attempt)
        try:
            if may_be_closed and await self._can_read():
                raise redis.ConnectionError  # noqa: TRY301 - judged below
            attempt.was_sent = True
            packed = _packed(attempt.command)
            if attempt.meanwhile is None:
                async with bounded(self._timeout):
                    await self._connection.send_packed_command(packed, check_health=False)
                    reply = await self._connection.read_response()
            else:  # the server's time to answer does not include what the client does meanwhile
                async with bounded(self._timeout):
                    await self._connection.send_packed_command(packed, check_health=False)
                attempt.meanwhile()
                async with bounded(self._timeout):
                    reply = await self._connection.read_response()
        except asyncio.TimeoutError as error:
            late = redis.TimeoutError()
            self._fail(late)
            raise late from error
        except Exception as error:
            self._fail(error)
            raise
        self._end()
        return reply

    async def is_alive(self) -> bool:
        try:
            async with bounded(min(self._timeout, _CHECK_SECONDS)):
                await self._connection.send_packed_command(_packed(("PING",)), check_health=False)
                await self._connection.read_response()
        except redis.ResponseError:
            return True  # it answers, though it may forbid the command
        except (redis.RedisError, OSError, asyncio.TimeoutError):
            return False
        return True

    async def close(self) -> None:
        # With TLS the socket stays open until the server closes it too, which it may never do.
        with suppress(redis.TimeoutError, OSError):
            await self._connection.disconnect()


def _late(connection: object) -> redis.TimeoutError:
    """Return the error of a connection that was not made in time."""
    with_tls = isinstance(connection, (redis.SSLConnection, redis.asyncio.SSLConnection))
    return redis.TimeoutError(TLS_TIMEOUT if with_tls else "")


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
