"""Connections of asyncpg, for the async methods: to a server, or to a pooler in front of one."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from chatstore.core.backend import Health
from chatstore.postgres.errors import NotConnectedError, health_after
from chatstore.postgres.keywords import check_files
from chatstore.postgres.names import Rows, Sql

_CHECK_SECONDS = 2.0
_CLOSING_SECONDS = 5.0
# What psycopg is told by options: a firewall that drops the connection is noticed.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class KeptConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection with TCP keepalive."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, *arguments: Any) -> None:
        """Take what asyncpg made, and turn keepalive on."""
        super().__init__(protocol, transport, *arguments)
        one = transport.get_extra_info("socket")
        if one is not None and one.family in {socket.AF_INET, socket.AF_INET6}:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE:
                if hasattr(socket, name):  # macOS and Windows have others
                    one.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class AsyncpgSession:
    """A connection of asyncpg (a `chatstore.core.backend.Session`)."""

    def __init__(self, connection: Any) -> None:
        """Take a connection."""
        self._connection = connection
        self._health = Health.FINE
        self.created_at = time.monotonic()

    @property
    def health(self) -> Health:
        """What the last answer said; a connection that was closed without one is outdated."""
        if self._health is Health.FINE and self._connection.is_closed():
            return Health.OUTDATED
        return self._health

    @property
    def is_reusable(self) -> bool:
        """Whether it is outside of any transaction."""
        return not self._connection.is_in_transaction()

    async def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        try:
            rows: Rows = await self._connection.fetch(sql.numbered, *parameters)
        except BaseException as error:
            self._health = health_after(error)
            raise
        return rows

    async def is_alive(self) -> bool:
        """Ask the server for nothing, and wait for a short time."""
        try:
            await self._connection.execute("", timeout=_CHECK_SECONDS)
        except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use
            self._health = Health.OUTDATED
            return False
        return True

    async def close(self) -> None:
        """Close the connection; one that is lost, or does not answer, is given up."""
        if self.health is Health.OUTDATED:  # the server would not answer the farewell
            self._connection.terminate()
            return
        try:
            await self._connection.close(timeout=_CLOSING_SECONDS)
        except Exception:  # noqa: BLE001 - nothing is left to say to it
            self._connection.terminate()


def connector(
    arguments: Mapping[str, Any], params: Mapping[str, str], timeout: float
) -> Callable[[], Awaitable[AsyncpgSession]]:
    """Return what opens connections, after a look at what is at the other end.

    Args:
        arguments: The address, as asyncpg's arguments.
        params: The same, as libpq's options.
        timeout: Seconds to wait for a connection and for each answer.

    """
    limit = int(params.get("connect_timeout") or 0)
    bounds = {
        "timeout": min(timeout, limit) if limit > 0 else timeout,
        "command_timeout": timeout,
        "connection_class": KeptConnection,
    }
    known: dict[str, Any] = {}

    async def connect() -> AsyncpgSession:
        check_files(params)
        try:
            if not known:
                known.update(await _options({**arguments, **bounds}))
            return AsyncpgSession(await asyncpg.connect(**known))
        except Exception as error:
            raise NotConnectedError(error) from error

    return connect


async def _options(arguments: dict[str, Any]) -> dict[str, Any]:
    unprepared = {**arguments, "statement_cache_size": 0}
    probe = await asyncpg.connect(**unprepared)
    try:
        is_direct = await probe.fetchval("SELECT pg_backend_pid()") == probe.get_server_pid()
    except BaseException:
        probe.terminate()
        raise
    await probe.close(timeout=_CLOSING_SECONDS)
    # A pooler that is between gives each transaction another connection of the server's. A
    # statement without a name is used within one, and leaves nothing behind.
    return arguments if is_direct else unprepared
