"""Conversations in tables of SQL databases, by SQLAlchemy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from uuid import UUID

from chatstore.core.migration.clients import check_client


class SQLRows:
    """One row a message, in the order of a column."""

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
        """Take an engine.

        Args:
            engine: A sync ``Engine`` of SQLAlchemy; it is not disposed of.
            table: The table's name.
            key: The column with the conversation's key.
            value: The column with the message as JSON.
            order: The column that tells the order.
            schema: The table's schema, where it is not the default.

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
        import sqlalchemy  # noqa: PLC0415 - whoever has an engine has it

        key, _, _ = self._columns
        with self._engine.connect() as connection:
            yield from map(str, connection.execute(sqlalchemy.select(key).distinct()).scalars())

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages, oldest first."""
        import sqlalchemy  # noqa: PLC0415

        column, value, order = self._columns
        wanted = UUID(key) if isinstance(column.type, sqlalchemy.Uuid) else key
        query = sqlalchemy.select(value).where(column == wanted).order_by(order)
        with self._engine.connect() as connection:
            for found in connection.execution_options(yield_per=500).execute(query).scalars():
                yield json.loads(found) if isinstance(found, str) else found

    @cached_property
    def _columns(self) -> tuple[Any, Any, Any]:
        import sqlalchemy  # noqa: PLC0415

        name, schema = self._table_name
        metadata = sqlalchemy.MetaData(schema=schema)
        table = sqlalchemy.Table(name, metadata, autoload_with=self._engine)
        key, value, order = (table.c[column] for column in self._names)
        return key, value, order


class SQLArrays:
    """One row a conversation, whose messages are an array of JSON, as Postgres has them."""

    def __init__(
        self, engine: Any, table: str, *, key: str, value: str, schema: str | None = None
    ) -> None:
        """Take an engine; the arguments are those of `SQLRows`."""
        self._rows = SQLRows(engine, table, key=key, value=value, order=key, schema=schema)

    def keys(self) -> Iterator[str]:
        """Return the keys of all conversations."""
        return self._rows.keys()

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages, oldest first."""
        for messages in self._rows.items(key):
            for found in messages or []:
                yield json.loads(found) if isinstance(found, str) else found
