"""The tables: numbered migrations, rights, and the check that they are as statements need them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from chatstore.core import SchemaVersionError
from chatstore.core.backend import Plan
from chatstore.core.errors import StoreSetupError
from chatstore.postgres.client import Client, Session, fetch, fetch_unchecked
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import TableNames, check_name, quoted

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Keys, owners, titles and metadata are bytes, since text refuses NUL. The key is null once
        # a conversation only waits to be reclaimed. Free room in the pages lets Postgres update
        # rows in place, unless an indexed column changes: so the time of the last write is only
        # indexed where there is an owner. An identity is never reused.
        """CREATE TABLE {conversations} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key bytea UNIQUE,
    epoch bigint NOT NULL,
    next_position bigint NOT NULL,
    length bigint NOT NULL,
    expires_at timestamptz,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    owner bytea,
    title bytea,
    metadata bytea,
    is_created boolean NOT NULL DEFAULT false,
    listed_at timestamptz GENERATED ALWAYS AS (
        CASE WHEN owner IS NOT NULL THEN updated_at END
    ) STORED
) WITH (fillfactor = 50)""",
        "CREATE INDEX {owned} ON {conversations} (owner, listed_at, id) WHERE owner IS NOT NULL",
        "CREATE INDEX {expiring} ON {conversations} (expires_at) WHERE expires_at IS NOT NULL",
        # Text and not jsonb: jsonb refuses NUL and changes numbers. The hash shows that a body is
        # as it was written, so that a message can be removed without decoding it. The request id
        # is that of the append; a replacement is recorded in the table of requests instead.
        """CREATE TABLE {messages} (
    conversation bigint NOT NULL,
    position bigint NOT NULL,
    message_id bytea NOT NULL,
    body_hash bigint NOT NULL,
    request_id bigint,
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation, position),
    UNIQUE (conversation, message_id)
)""",
        # What recent requests did, so that one whose answer was lost finds its own effect: a
        # removal by its id, an append among the appends whose messages others have removed or
        # replaced since.
        """CREATE TABLE {requests} (
    id uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    key_hash bytea NOT NULL,
    appended bigint[],
    position bigint,
    body text COLLATE "C",
    effect double precision[]
)""",
        "CREATE INDEX {old_requests} ON {requests} (expires_at)",
        "CREATE INDEX {removals} ON {requests} (key_hash) WHERE appended IS NOT NULL",
    ),
)
VERSION = len(_MIGRATIONS)

# The identity shows whether two connections lead to the same database.
_VERSION_TABLE = """CREATE TABLE IF NOT EXISTS {version} (
    version integer PRIMARY KEY,
    identity uuid NOT NULL DEFAULT gen_random_uuid(),
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
_RECORD_VERSION = "INSERT INTO {version} (version) VALUES (%d)"
_READ_VERSIONS = "SELECT version, identity FROM {version} ORDER BY version"

_INTEGER = ("bigint", "integer")
_TEXT = ("text", "character varying")
_TIME = ("timestamp with time zone",)
_BYTES = ("bytea",)

# By table and column, the types that the statements work with; the first is what `ddl` creates.
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "conversations": {
        "id": _INTEGER,
        "key": _BYTES,
        "epoch": _INTEGER,
        "next_position": _INTEGER,
        "length": _INTEGER,
        "expires_at": _TIME,
        "revision": _INTEGER,
        "created_at": _TIME,
        "updated_at": _TIME,
        "owner": _BYTES,
        "title": _BYTES,
        "metadata": _BYTES,
        "is_created": ("boolean",),
        "listed_at": _TIME,
    },
    "messages": {
        "conversation": _INTEGER,
        "position": _INTEGER,
        "message_id": _BYTES,
        "body_hash": ("bigint",),
        "request_id": ("bigint",),
        "body": _TEXT,
    },
    "requests": {
        "id": ("uuid",),
        "expires_at": _TIME,
        "key_hash": _BYTES,
        "appended": ("bigint[]",),
        "position": _INTEGER,
        "body": _TEXT,
        "effect": ("double precision[]",),
    },
    "version": {"version": _INTEGER, "identity": ("uuid",)},
}
_UNIQUE: dict[str, tuple[tuple[str, ...], ...]] = {
    "conversations": (("id",), ("key",)),
    "messages": (("conversation", "position"), ("conversation", "message_id")),
    "requests": (("id",),),
    "version": (),
}
_KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "view", "f": "foreign table"}

# Describes the tables in $1, an array of quoted names. One row for each: the server's encoding,
# the kind of relation (null: it does not exist), its columns with their types, and the columns of
# its unique indexes.
_DESCRIBE = """SELECT current_setting('server_encoding'), c.relkind::text,
  ARRAY(
    SELECT a.attname || ' ' || format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ),
  ARRAY(
    SELECT array_to_string(ARRAY(
      SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, rank)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
      WHERE k.rank <= i.indnkeyatts ORDER BY a.attname
    ), ',')
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
  )
FROM unnest($1::text[]) WITH ORDINALITY AS described (name, rank)
LEFT JOIN pg_catalog.pg_class c ON c.oid = to_regclass(described.name)
ORDER BY described.rank"""

CHECK_RIGHTS = """SELECT name, privilege, has_table_privilege(name, privilege)
FROM unnest($1::text[], $2::text[]) AS needed (name, privilege)"""
"""Returns for each table and right whether the current role has it."""

_RIGHTS = {
    "SELECT": r"(?:FROM|JOIN)\s+{%s}",
    "INSERT": r"INSERT INTO\s+{%s}",
    "UPDATE": r"UPDATE\s+{%s}",
    "DELETE": r"DELETE FROM\s+{%s}",
}


def ddl(names: TableNames) -> str:
    """Return the SQL that creates all tables in a database that has none of them."""
    templates = [] if names.schema is None else ["CREATE SCHEMA IF NOT EXISTS {schema}"]
    templates += [_VERSION_TABLE, *_missing(0)]
    sql = [f"{names.render(template).numbered};\n" for template in templates]
    return "\n".join(["BEGIN;\n", *sql, "COMMIT;\n"])


def grants(names: TableNames, role: str) -> str:
    """Return the SQL that gives a role the rights that the statements need."""
    check_name(role, "role")
    lines = []
    if names.schema is not None:
        lines.append(f"GRANT USAGE ON SCHEMA {quoted(names.schema)} TO {quoted(role)};")
    for word, rights in needed_rights().items():
        lines.append(f"GRANT {', '.join(rights)} ON {names.quoted_name(word)} TO {quoted(role)};")
    return "\n".join(lines) + "\n"


def needed_rights() -> dict[str, list[str]]:
    """Return by table the rights that the statements need once the tables exist."""
    templates = [
        text
        for name, text in vars(statements).items()
        if name.isupper() and not name.startswith("_") and isinstance(text, str)
    ]
    templates.append(_READ_VERSIONS)
    return {
        word: [
            right
            for right, pattern in _RIGHTS.items()
            if any(_needs(text, right, pattern % word, word) for text in templates)
        ]
        for word in _COLUMNS
    }


def rights_of(names: TableNames) -> tuple[list[str], list[str]]:
    """Return the parameters of `CHECK_RIGHTS`: quoted tables, and the right on each."""
    pairs = [
        (names.quoted_name(word), right)
        for word, rights in needed_rights().items()
        for right in rights
    ]
    return [name for name, _ in pairs], [right for _, right in pairs]


def _needs(text: str, right: str, pattern: str, word: str) -> bool:
    # Locking rows takes the right to update them.
    locks = right == "UPDATE" and "FOR UPDATE" in text and f"FROM {{{word}}}" in text
    return locks or re.search(pattern, text) is not None


def migrate(names: TableNames) -> Plan[Session, None]:
    """Create or update the tables, in a transaction that one process at a time runs."""
    lock = names.render("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))")
    yield from fetch(lock, names.quoted_name("version"))
    if names.schema is not None:
        # Even IF NOT EXISTS needs the right to create schemas, so only send it if it is missing.
        look = names.render("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::text")
        rows = yield from fetch(look, names.schema)
        if not rows:
            yield from _execute(names, "CREATE SCHEMA IF NOT EXISTS {schema}")
    yield from _execute(names, _VERSION_TABLE)
    read = names.render(_READ_VERSIONS)
    versions = yield from fetch(read)
    for template in _missing(max([row[0] for row in versions], default=0)):
        yield from _execute(names, template)


def _missing(applied: int) -> list[str]:
    templates = []
    for number in range(applied + 1, VERSION + 1):
        templates += [*_MIGRATIONS[number - 1], _RECORD_VERSION % number]
    return templates


def _execute(names: TableNames, template: str) -> Plan[Session, None]:
    sql = names.render(template)
    yield from fetch(sql)


def look_at_tables(names: TableNames) -> Plan[Client, ExistingTables]:
    """Read what the database has, without changing anything."""
    tables = [names.quoted_name(word) for word in _COLUMNS]
    sql = names.render(_DESCRIBE)
    rows = yield from fetch_unchecked(sql, tables)
    existing = ExistingTables(rows)
    if existing.has_versions:
        read = names.render(_READ_VERSIONS)
        existing.add_versions((yield from fetch_unchecked(read)))
    return existing


class ExistingTables:
    """The tables of a store as the database has them.

    Attributes:
        identity: The value in the tables that tells databases apart; ``None``: not read yet.
        has_versions: The table of versions can be read.

    """

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take the description's rows, in the order of `_COLUMNS`."""
        self.identity: object | None = None
        self._version = 0
        self._encoding = rows[0][0]
        described = dict(zip(_COLUMNS, rows, strict=True))
        self._kinds = {word: row[1] for word, row in described.items()}
        self._columns = {
            word: dict(text.split(" ", 1) for text in row[2]) for word, row in described.items()
        }
        self._unique = {
            word: {frozenset(text.split(",")) for text in row[3]} for word, row in described.items()
        }
        self.has_versions = self._kinds["version"] is not None and self._misfit("version") is None

    def add_versions(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take the rows of the table of versions."""
        for version, identity in rows:
            self._version = max(self._version, version)
            self.identity = self.identity or identity

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing to create: all tables exist, or creating them would fail."""
        if self._encoding != "UTF8":
            return True
        is_empty = not any(self._kinds.values())
        is_old = self.has_versions and 0 < self._version < VERSION
        return not is_empty and not is_old

    def missing_error(self, names: TableNames, server: str) -> StoreSetupError:
        """Return the error for missing tables that this store must not create."""
        return StoreSetupError(
            f"{server}: the tables {names.table}_conversations, _messages, _requests and _schema "
            f"are missing in {names.where} and this store does not create them (create=False): "
            "call setup() as a user with the right to create tables, run the SQL of ddl(), or "
            "check the database and the names of the tables and the schema"
        )

    def require(self, names: TableNames, server: str, identity: object | None) -> None:
        """Check that the tables are as the statements need them.

        Args:
            names: The tables.
            server: The server, for messages.
            identity: The identity that the store's other mode read; ``None``: it has not yet.

        Raises:
            SchemaVersionError: A later version of this package created them.
            StoreSetupError: They are different, or the two modes use different databases.

        """
        if self._encoding != "UTF8":
            raise StoreSetupError(
                f"{server}: the database's encoding is {self._encoding}, expected UTF8: create a "
                "database with ENCODING 'UTF8' TEMPLATE template0"
            )
        if self.has_versions and not self._version:
            raise StoreSetupError(
                f"{server}: {names.quoted_name('version')} is empty: restore it, or choose another "
                "table_name"
            )
        if self._version > VERSION:
            raise SchemaVersionError(
                f"{server}: the tables have schema version {self._version}, this package knows "
                f"{VERSION}: upgrade chatstore-postgres"
            )
        for word in _COLUMNS:
            misfit = self._misfit(word)
            if misfit is not None:
                raise StoreSetupError(
                    f"{server}: {names.quoted_name(word)} in {names.where} is not a table of this "
                    f"package: {misfit}; choose another table_name, or restore the table"
                )
        if identity is not None and self.identity != identity:
            raise StoreSetupError(
                f"{server}: the sync and the async methods of this store use two different "
                "databases: give client and async_client the same address"
            )

    def _misfit(self, word: str) -> str | None:
        """Return how a table differs from what is expected; ``None`` if it does not."""
        kind = self._kinds[word]
        if kind not in {"r", "p"}:
            return f"expected a table, found {_KINDS.get(kind or '', 'nothing')}"
        columns = self._columns[word]
        for name, types in _COLUMNS[word].items():
            if columns.get(name) not in types:
                existing = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
                return f"expected a column {name} {types[0]}, found ({existing})"
        for unique in _UNIQUE[word]:
            if frozenset(unique) not in self._unique[word]:
                return f"expected a unique index on ({', '.join(unique)}), found no such index"
        return None
