"""Connections of asyncpg, for the async methods."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from chatstore.core.backend import Health
from chatstore.postgres.client import BEGIN
from chatstore.postgres.errors import NotConnectedError, health_after
from chatstore.postgres.sql.rendering import Rows, Sql
from chatstore.postgres.url import check_files

_CHECK_SECONDS = 2.0
_CLOSING_SECONDS = 5.0
# psycopg gets these as options: they notice a firewall that drops the connection.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class KeepaliveConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection with TCP keepalive."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, *arguments: Any) -> None:
        """Turn keepalive on; the arguments are asyncpg's."""
        super().__init__(protocol, transport, *arguments)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE:
                if hasattr(socket, name):  # macOS and Windows have other names
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class AsyncpgSession:
    """A connection of asyncpg (a `chatstore.core.backend.Session`)."""

    def __init__(self, connection: Any) -> None:
        """Take a connection."""
        self._connection = connection
        self._health = Health.FINE
        self.created_at = time.monotonic()

    @property
    def health(self) -> Health:
        """The connection's state after the last answer; ``OUTDATED`` if it closed without one."""
        if self._health is Health.FINE and self._connection.is_closed():
            return Health.OUTDATED
        return self._health

    @property
    def is_reusable(self) -> bool:
        """Whether no transaction is open."""
        return not self._connection.is_in_transaction()

    async def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """Execute a statement and return its rows."""
        try:
            rows: Rows = await self._connection.fetch(sql.numbered, *parameters)
        except BaseException as error:
            self._health = health_after(error)
            raise
        return rows

    async def begin(self) -> None:
        """Begin a transaction, which the server ends if the next statement does not come."""
        try:
            await self._connection.execute("; ".join(BEGIN))
        except BaseException as error:
            self._health = health_after(error)
            raise

    async def is_alive(self) -> bool:
        """Send an empty statement, and wait for a short time."""
        try:
            await self._connection.execute("", timeout=_CHECK_SECONDS)
        except Exception:  # noqa: BLE001 - after any error the connection is useless
            self._health = Health.OUTDATED
            return False
        return True

    async def close(self) -> None:
        """Close the connection; do not wait long for a server that does not answer."""
        if self.health is Health.OUTDATED:  # the server would not answer
            self._connection.terminate()
            return
        try:
            await self._connection.close(timeout=_CLOSING_SECONDS)
        except Exception:  # noqa: BLE001 - the connection ends in any case
            self._connection.terminate()


def connector(
    arguments: Mapping[str, Any], params: Mapping[str, str], timeout: float
) -> Callable[[], Awaitable[AsyncpgSession]]:
    """Return a function that opens connections; the first one finds out whether there is a pooler.

    Args:
        arguments: The address, as asyncpg's arguments.
        params: The same, as libpq's options.
        timeout: Seconds to wait for a connection and for each answer.

    """
    limit = int(params.get("connect_timeout") or 0)
    first = {
        **arguments,
        "timeout": min(timeout, limit) if limit > 0 else timeout,
        "command_timeout": timeout,
        "connection_class": KeepaliveConnection,
    }
    known: dict[str, Any] = {}

    async def connect() -> AsyncpgSession:
        check_files(params)
        try:
            connection = await asyncpg.connect(**(known or first))
            if not known:
                is_direct = await _is_direct(connection)
                # A pooler in between gives each transaction another connection to the server.
                # Statements without a name are not used beyond their transaction.
                known.update(first if is_direct else {**first, "statement_cache_size": 0})
                if not is_direct:
                    await connection.close(timeout=_CLOSING_SECONDS)
                    connection = await asyncpg.connect(**known)
            return AsyncpgSession(connection)
        except Exception as error:
            raise NotConnectedError(error) from error

    return connect


async def _is_direct(connection: Any) -> bool:
    """Whether the server process that announced itself executes the statements."""
    answer = bytearray()

    async def collect(data: bytes) -> None:
        answer.extend(data)

    try:
        # COPY is not prepared: a pooler would leave a prepared statement to its other clients.
        await connection.copy_from_query("SELECT pg_backend_pid()", output=collect)
    except BaseException:
        connection.terminate()
        raise
    return bool(int(answer) == connection.get_server_pid())
