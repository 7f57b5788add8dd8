"""One connection, as plans use it: a statement in, its rows out.

On our own connections, statements go straight to the driver; `callers.py` has those of engines
that the caller brings.
"""

from __future__ import annotations

import time
from typing import Any

from chatstore.core.pools import Health
from chatstore.postgres.names import Sql

Rows = list[Any]

_CLOSING_SECONDS = 5.0


class DirectSession:
    """A connection of psycopg (a `chatstore.core.pools.Session`)."""

    def __init__(self, connection: Any) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection
        self._cursor = connection.cursor()
        self.created_at = time.monotonic()

    @property
    def health(self) -> Health:
        """A closed connection means that older ones may be closed too."""
        return Health.OUTDATED if self._connection.closed else Health.FINE

    @property
    def is_reusable(self) -> bool:
        """Whether it stands outside of any transaction, and no statement is going on."""
        return not self._connection.pgconn.transaction_status  # 0 is idle

    def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        cursor = self._cursor  # kept, since it remembers how to write and read each type
        cursor.execute(sql.numbered, parameters)
        # Not by `description`: it makes an object for each column.
        if not cursor.pgresult.nfields:
            return []
        rows: Rows = cursor.fetchall()
        if len(rows) > 1:  # messages, which a cursor would hold until its next statement
            self._cursor = self._connection.cursor()
        return rows

    def is_alive(self) -> bool:
        """Ask the server for nothing."""
        try:
            self._cursor.execute("")
        except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class AsyncDirectSession:
    """A connection of asyncpg (a `chatstore.core.pools.Session`)."""

    def __init__(self, connection: Any) -> None:
        """Take a connection."""
        self._connection = connection
        self._is_answered = True
        self.created_at = time.monotonic()

    @property
    def health(self) -> Health:
        """A closed connection means that older ones may be closed too."""
        return Health.OUTDATED if self._connection.is_closed() else Health.FINE

    @property
    def is_reusable(self) -> bool:
        """Whether it stands outside of any transaction, and no statement is going on."""
        return self._is_answered and not self._connection.is_in_transaction()

    async def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        self._is_answered = False  # and stays so where the call is cancelled
        try:
            rows: Rows = await self._connection.fetch(sql.numbered, *parameters)
        except Exception:
            self._is_answered = True
            raise
        self._is_answered = True
        return rows

    async def is_alive(self) -> bool:
        """Ask the server for nothing."""
        try:
            await self._connection.execute("")
        except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use
            return False
        return True

    async def close(self) -> None:
        """Close the connection; one that is lost, or does not answer, is given up."""
        try:
            await self._connection.close(timeout=_CLOSING_SECONDS)
        except Exception:  # noqa: BLE001 - nothing is left to say to it
            self._connection.terminate()
