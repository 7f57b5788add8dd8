"""Connections of redis-py as sessions of the pools in `chatstore.core.backend`."""

from __future__ import annotations

import time
from typing import Any

import redis

from chatstore.core.backend import Health
from chatstore.redis.errors import TLS_TIMEOUT, judge
from chatstore.redis.packing import packed
from chatstore.redis.server_mode import ServerMode
from chatstore.redis_scripts import Attempt, Command

CHECK_SECONDS = 1.0
"""How long a connection may be idle before it is checked, and how long the check may take.

A firewall drops idle connections without notice.
"""
HOT_SECONDS = 0.001  # a connection used so recently is not checked: a check takes microseconds


class _Session:
    """The state of a connection in both modes; see `chatstore.core.backend.Session`."""

    def __init__(self, connection: Any, timeout: float) -> None:
        """Take a connection that is not open yet.

        Args:
            connection: redis-py's connection.
            timeout: Seconds to wait for the connection, and for each answer.

        """
        self.connection = connection
        self.health = Health.FINE
        self.is_reusable = True
        self.created_at = time.monotonic()
        self._timeout = timeout
        self._has_answered = False
        self._answered_at = 0.0

    def _begin(self, attempt: Attempt) -> bool:
        """Begin a command; return whether the server may have closed the connection."""
        self.is_reusable = False
        attempt.was_reused = self._has_answered
        return self._has_answered and time.monotonic() - self._answered_at > HOT_SECONDS

    def _end(self) -> None:
        self._has_answered = self.is_reusable = True
        self._answered_at = time.monotonic()

    def _fail(self, error: Exception) -> None:
        """Update the state of the connection after an error."""
        verdict = judge(error)
        if verdict is not None:
            self.health = verdict.health
            self.is_reusable = isinstance(error, redis.ResponseError)


class RedisSession(_Session):
    """A connection for threads."""

    def open(self, mode: ServerMode) -> None:
        """Connect, log in and check the server's kind."""
        try:
            self._connect()
            if mode.is_unknown:
                mode.check(self._hello())
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        try:
            self.connection.connect()
        except redis.TimeoutError as error:
            raise _timeout_error(self.connection) from error

    def _hello(self) -> Any:
        """Return the answer to HELLO; ``None`` if a server or a proxy does not know the command."""
        try:
            return self.execute(("HELLO",), Attempt())
        except redis.AuthenticationError:
            raise
        except redis.ResponseError:
            return None
        except redis.ConnectionError:  # some proxies hang up
            self.connection.disconnect()
            self._connect()
            self.health = Health.FINE
            return None

    def execute(self, command: Command, attempt: Attempt) -> Any:
        """Send a command and return the reply."""
        may_be_closed = self._begin(attempt)
        try:
            # check before sending: a command that was never sent has certainly not been run
            if may_be_closed and self.connection.can_read(0):
                raise redis.ConnectionError  # noqa: TRY301 - judged below
            attempt.was_sent = True
            self.connection.send_packed_command([packed(command)], check_health=False)
            if attempt.meanwhile is not None:
                attempt.meanwhile()
            reply = self.connection.read_response()
        except Exception as error:
            self._fail(error)
            raise
        self._end()
        return reply

    def is_alive(self) -> bool:
        """Return whether the server answers within a second."""
        try:
            self.connection.send_packed_command([packed(("PING",))], check_health=False)
            if not self.connection.can_read(min(self._timeout, CHECK_SECONDS)):
                return False
            self.connection.read_response()
        except redis.ResponseError:
            return True  # it answers, though it may forbid the command
        except (redis.RedisError, OSError):
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self.connection.disconnect()


def _timeout_error(connection: object) -> redis.TimeoutError:
    """Return the error of a connection that was not made in time."""
    with_tls = isinstance(connection, redis.SSLConnection)
    return redis.TimeoutError(TLS_TIMEOUT if with_tls else "")
