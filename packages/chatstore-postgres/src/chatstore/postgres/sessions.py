"""One connection, as plans use it: a statement in, its rows out.

On our own connections, statements go straight to the driver; `callers.py` has those of engines
that the caller brings.
"""

from __future__ import annotations

import time
from typing import Any

from chatstore.postgres.names import Sql

Rows = list[Any]


class DirectSession:
    """A connection of psycopg."""

    def __init__(self, connection: Any) -> None:
        """Take a connection that commits each statement by itself."""
        self.connection = connection
        self.made_at = time.monotonic()

    @property
    def is_lost(self) -> bool:
        """Whether it was closed, by whichever side."""
        return bool(self.connection.closed)

    @property
    def is_idle(self) -> bool:
        """Whether it stands outside of any transaction."""
        return not self.connection.pgconn.transaction_status  # 0 is idle

    def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        cursor = self.connection.execute(sql.numbered, parameters)
        # Not by `description`: it makes an object for each column.
        return list(cursor.fetchall()) if cursor.pgresult.nfields else []


class AsyncDirectSession:
    """A connection of asyncpg."""

    def __init__(self, connection: Any) -> None:
        """Take a connection."""
        self.connection = connection
        self.made_at = time.monotonic()

    @property
    def is_lost(self) -> bool:
        """Whether it was closed, by whichever side."""
        return bool(self.connection.is_closed())

    @property
    def is_idle(self) -> bool:
        """Whether it stands outside of any transaction."""
        return not self.is_lost and not self.connection.is_in_transaction()

    async def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        rows: Rows = await self.connection.fetch(sql.numbered, *parameters)
        return rows
