"""One connection of an engine that the caller brings, as plans use it.

Statements go through SQLAlchemy, whose events, isolation and pool are the caller's to arrange.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from chatstore.postgres.names import Sql
from chatstore.postgres.sessions import Rows

if TYPE_CHECKING:  # it loads SQLAlchemy's ORM, which a program without async calls never needs
    from sqlalchemy.ext.asyncio import AsyncConnection


class CallersSession:
    """A connection of the caller's engine for psycopg."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection

    def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        with drivers_errors():
            result = self._connection.exec_driver_sql(sql.named, _named(parameters))
            return list(result.fetchall()) if result.returns_rows else []


class AsyncCallersSession:
    """A connection of the caller's engine for asyncpg."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection

    async def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        with drivers_errors():
            result = await self._connection.exec_driver_sql(sql.numbered, parameters)
            return list(result.fetchall()) if result.returns_rows else []


def _named(parameters: tuple[Any, ...]) -> dict[str, Any]:
    return {f"p{place}": value for place, value in enumerate(parameters, 1)}


@contextmanager
def drivers_errors() -> Iterator[None]:
    """Let the driver's own error leave: SQLAlchemy's would quote statements and content."""
    try:
        yield
    except DBAPIError as error:
        original: BaseException | None = error.orig
        # SQLAlchemy's emulation of a driver's error has the driver's own as its cause.
        if original is not None and isinstance(original.__cause__, Exception):
            original = original.__cause__
        raise original or error from None
