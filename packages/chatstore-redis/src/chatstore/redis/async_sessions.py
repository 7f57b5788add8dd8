"""``AsyncRedisSession``: an asyncio connection that one or many tasks use."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import redis

from chatstore.core.backend import Health
from chatstore.redis.address import Address
from chatstore.redis.dialing import dial
from chatstore.redis.errors import judge
from chatstore.redis.packing import packed
from chatstore.redis.protocol import RedisProtocol
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.sessions import CHECK_SECONDS, HOT_SECONDS
from chatstore.redis_scripts import Attempt, Command


class AsyncRedisSession:
    """A connection for the tasks of one event loop; see `chatstore.core.backend.Session`.

    Attributes:
        created_at: When it was opened, by `time.monotonic`.
        users: How many calls share it at the moment.

    """

    def __init__(self, protocol: RedisProtocol, timeout: float) -> None:
        """Take an open connection; ``timeout`` is in seconds."""
        self.created_at = time.monotonic()
        self.users = 0
        self._protocol = protocol
        self._timeout = timeout
        self._health = Health.FINE

    @classmethod
    async def open(cls, address: Address, timeout: float, mode: ServerMode) -> AsyncRedisSession:
        """Connect, log in and check the server's kind."""
        session = cls(await dial(address, timeout), timeout)
        try:
            if not mode.is_unknown:
                return session
            try:
                mode.check(await session._hello())
            except redis.ConnectionError:  # some proxies hang up
                await session.close()
                session = cls(await dial(address, timeout), timeout)
                mode.check(None)
        except BaseException:
            await session.close()
            raise
        return session

    @property
    def health(self) -> Health:
        """What the last replies said about the connection."""
        if self._health is Health.FINE and not self._protocol.is_open:
            return Health.BROKEN
        return self._health

    @property
    def is_reusable(self) -> bool:
        """Whether no reply is to come."""
        return not self._protocol.is_waiting

    @property
    def idle_seconds(self) -> float:
        """For how long no reply has come and none is to come."""
        if self._protocol.is_waiting:
            return 0.0
        return asyncio.get_running_loop().time() - self._protocol.answered_at

    async def execute(self, command: Command, attempt: Attempt) -> Any:
        """Send a command and return the reply, with strings for bytes."""
        protocol = self._protocol
        attempt.was_reused = bool(protocol.answered_at)
        if attempt.was_reused and self.idle_seconds > HOT_SECONDS:
            await asyncio.sleep(0)  # lets the loop learn that the server closed the connection
        reply = protocol.submit(packed(command), attempt)
        try:
            if attempt.meanwhile is not None:
                await asyncio.sleep(0)  # sends it
                attempt.meanwhile()
            return await reply
        except Exception as error:
            self._fail(error)
            raise
        finally:
            # If the work during the wait failed, nobody reads the reply.
            if not reply.cancel() and not reply.cancelled():
                reply.exception()

    def _fail(self, error: Exception) -> None:
        verdict = judge(error)
        is_outdated = self._health is Health.OUTDATED  # other calls' errors do not change this
        if verdict is not None and verdict.health is not Health.FINE and not is_outdated:
            self._health = verdict.health

    async def _hello(self) -> Any:
        """Return the answer to HELLO; ``None`` if a server or a proxy does not know the command."""
        try:
            return await self.execute(["HELLO"], Attempt())
        except redis.ResponseError as error:
            if str(error).startswith(("NOAUTH", "WRONGPASS")):
                raise
            return None

    async def is_alive(self) -> bool:
        """Return whether the server answers within a second."""
        reply = self._protocol.submit(packed(["PING"]), Attempt())
        try:
            await asyncio.wait_for(reply, min(self._timeout, CHECK_SECONDS))
        except redis.ResponseError:
            return True  # it answers, though it may forbid the command
        except (redis.RedisError, OSError, asyncio.TimeoutError):
            self._health = Health.OUTDATED
            return False
        return True

    async def close(self) -> None:
        """Close the connection at once."""
        self._protocol.abort()
        await self._protocol.closed
