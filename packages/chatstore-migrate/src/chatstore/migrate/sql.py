"""Read conversations from SQL databases, with SQLAlchemy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from uuid import UUID

from chatstore.migrate.clients import check_client


class SQLRows:
    """Reads a table with a row per message, ordered by a column."""

    def __init__(
        self,
        engine: Any,
        table: str,
        *,
        key: str,
        value: str,
        order: str = "id",
        schema: str | None = None,
    ) -> None:
        """Use a table; nothing is read yet.

        Args:
            engine: A sync ``Engine`` of SQLAlchemy; it is never disposed of.
            table: The name of the table.
            key: The column with the conversation's key.
            value: The column with the message as JSON.
            order: The column that orders the messages of a conversation.
            schema: The table's schema; ``None``: the database's default.

        """
        self._engine = check_client(
            engine,
            "engine",
            ("connect", "dialect"),
            "a sync Engine of SQLAlchemy: create_engine(url)",
        )
        self._names = (key, value, order)
        self._table_name = (table, schema)

    def keys(self) -> Iterator[str]:
        """Return the keys of all conversations."""
        import sqlalchemy  # it is installed, since the caller has an engine

        key, _, _ = self._columns
        with self._engine.connect() as connection:
            yield from map(str, connection.execute(sqlalchemy.select(key).distinct()).scalars())

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        import sqlalchemy  # as above

        column, value, order = self._columns
        requested = UUID(key) if isinstance(column.type, sqlalchemy.Uuid) else key
        query = sqlalchemy.select(value).where(column == requested).order_by(order)
        with self._engine.connect() as connection:
            for stored in connection.execution_options(yield_per=500).execute(query).scalars():
                yield json.loads(stored) if isinstance(stored, str) else stored

    @cached_property
    def _columns(self) -> tuple[Any, Any, Any]:
        import sqlalchemy  # as above

        name, schema = self._table_name
        metadata = sqlalchemy.MetaData(schema=schema)
        table = sqlalchemy.Table(name, metadata, autoload_with=self._engine)
        key, value, order = (table.c[column] for column in self._names)
        return key, value, order


class SQLArrays:
    """Reads a table with a row per conversation, which has an array of JSON as in Postgres."""

    def __init__(
        self, engine: Any, table: str, *, key: str, value: str, schema: str | None = None
    ) -> None:
        """Use a table; nothing is read yet.

        Args:
            engine: As for `SQLRows`.
            table: The name of the table.
            key: The column with the conversation's key.
            value: The column with the array of messages.
            schema: As for `SQLRows`.

        """
        self._rows = SQLRows(engine, table, key=key, value=value, order=key, schema=schema)

    def keys(self) -> Iterator[str]:
        """Return the keys of all conversations."""
        return self._rows.keys()

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        for messages in self._rows.items(key):
            for stored in messages or []:
                yield json.loads(stored) if isinstance(stored, str) else stored
