"""What the tables must look like, and what is wrong with those that are found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatstore.core import SchemaVersionError
from chatstore.core.errors import StoreSetupError
from chatstore.postgres.names import Names

_INTEGER = ("bigint", "integer")
_TEXT = ("text", "character varying")
_TIME = ("timestamp with time zone",)

TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "heads": {
        "id": _INTEGER,
        "key": ("bytea",),
        "epoch": _INTEGER,
        "next_position": _INTEGER,
        "length": _INTEGER,
        "expires_at": _TIME,
    },
    "messages": {
        "conversation": _INTEGER,
        "position": _INTEGER,
        "message_id": ("bytea",),
        "body_hash": ("bigint",),
        "request": ("bigint",),
        "body": _TEXT,
    },
    "calls": {
        "id": ("uuid",),
        "expires_at": _TIME,
        "key_hash": ("bytea",),
        "requests": ("bigint[]",),
        "position": _INTEGER,
        "body": _TEXT,
    },
    "version": {"version": _INTEGER, "identity": ("uuid",)},
}
"""By table and column, the types that the statements work with; the first is what `ddl` makes."""

_UNIQUE: dict[str, tuple[tuple[str, ...], ...]] = {
    "heads": (("id",), ("key",)),
    "messages": (("conversation", "position"), ("conversation", "message_id")),
    "calls": (("id",),),
    "version": (),
}
_KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "view", "f": "foreign table"}


def describe() -> str:
    """Return the statement that describes the tables in ``$1``, an array of quoted names.

    One row for each: the server's encoding, the kind of relation (null: there is none), its
    columns with their types, and the columns of its unique indexes.
    """
    return """SELECT current_setting('server_encoding'), c.relkind::text,
  ARRAY(
    SELECT a.attname || ' ' || format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ),
  ARRAY(
    SELECT array_to_string(ARRAY(
      SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
      WHERE k.place <= i.indnkeyatts ORDER BY a.attname
    ), ',')
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
  )
FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
LEFT JOIN pg_catalog.pg_class c ON c.oid = to_regclass(wanted.name)
ORDER BY wanted.place"""


class Found:
    """The tables of a store as they are.

    Attributes:
        identity: What is written in the tables to tell databases apart; ``None``: not read.
        has_versions: The table of versions can be read.

    """

    def __init__(self, rows: Sequence[Sequence[Any]], version: int) -> None:
        """Take the rows of `describe`, in the order of `TABLES`."""
        self.identity: object | None = None
        self._expected = version
        self._version = 0
        self._encoding = rows[0][0]
        self._kinds = dict(zip(TABLES, [row[1] for row in rows], strict=True))
        self._columns = {
            word: dict(text.split(" ", 1) for text in row[2])
            for word, row in zip(TABLES, rows, strict=True)
        }
        self._unique = {
            word: {frozenset(text.split(",")) for text in row[3]}
            for word, row in zip(TABLES, rows, strict=True)
        }
        self.has_versions = self._kinds["version"] is not None and self._misfit("version") is None

    def read_versions(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take the rows of the table of versions."""
        for version, identity in rows:
            self._version = max(self._version, version)
            self.identity = self.identity or identity

    @property
    def is_complete(self) -> bool:
        """Whether nothing has to be made: all tables are there, or one is in the way.

        An encoding that does not fit counts as complete, so that nothing is made in vain.
        """
        none_is_there = not any(self._kinds.values())
        is_old = self.has_versions and self._version < self._expected
        return self._encoding != "UTF8" or not (none_is_there or (is_old and self._version > 0))

    def error(self, names: Names, place: str) -> StoreSetupError:
        """Return the error for tables that are missing and must not be made."""
        message = (
            f"Postgres at {place}: the tables {names.table}_conversations, _messages, _calls and "
            f"_schema are missing in {names.where} and this store does not make them: call setup() "
            "as a user who may, run the SQL of ddl(), or check the database and the names of the "
            "tables and the schema"
        )
        return StoreSetupError(message)

    def require(self, names: Names, place: str, identity: object | None) -> None:
        """Check that the tables are as the statements need them.

        Args:
            names: The tables.
            place: The database, for messages.
            identity: What the store's other mode found; ``None``: it did not look yet.

        Raises:
            SchemaVersionError: A later version of this package made them.
            StoreSetupError: They are not as they should be.

        """
        if self._encoding != "UTF8":
            raise StoreSetupError(
                f"Postgres at {place}: the database's encoding is {self._encoding}, expected "
                "UTF8: create a database with ENCODING 'UTF8' TEMPLATE template0"
            )
        if self.has_versions and not self._version:
            raise StoreSetupError(
                f"Postgres at {place}: {names.version_table} is empty: restore it, or choose "
                "another table_name"
            )
        if self._version > self._expected:
            raise SchemaVersionError(
                f"Postgres at {place}: the tables have schema version {self._version}, this "
                f"package knows {self._expected}: upgrade chatstore-postgres"
            )
        for word in TABLES:
            misfit = self._misfit(word)
            if misfit is not None:
                raise StoreSetupError(
                    f"Postgres at {place}: {names.render('{' + word + '}').numbered} in "
                    f"{names.where} is not a table of "
                    f"this package: {misfit}; choose another table_name, or restore the table"
                )
        if identity is not None and self.identity != identity:
            raise StoreSetupError(
                f"Postgres at {place}: the sync and the async methods of this store lead to "
                "two different databases: give engine and async_engine the same address"
            )

    def _misfit(self, word: str) -> str | None:
        """Return how a table differs from what is expected; ``None``: it does not."""
        kind = self._kinds[word]
        if kind not in {"r", "p"}:
            return f"expected a table, found {_KINDS.get(kind or '', 'nothing')}"
        columns = self._columns[word]
        for name, types in TABLES[word].items():
            if columns.get(name) not in types:
                found = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
                return f"expected a column {name} {types[0]}, found ({found})"
        for unique in _UNIQUE[word]:
            if frozenset(unique) not in self._unique[word]:
                return f"expected a unique index on ({', '.join(unique)}), found none"
        return None
