"""The tables: numbered migrations. The file may have an application's own tables, too."""

from __future__ import annotations

import sqlite3

from chatstore.core import SchemaVersionError, StoreSetupError

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # An expired conversation that another replaced has neither key nor owner until it is
        # purged. With AUTOINCREMENT the id of a deleted conversation is never used again.
        """CREATE TABLE IF NOT EXISTS chatstore_conversations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT UNIQUE,
            epoch INTEGER NOT NULL,
            next_position INTEGER NOT NULL,
            length INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            created_at REAL NOT NULL,
            updated_at REAL NOT NULL,
            expires_at REAL,
            is_created INTEGER NOT NULL,
            owner TEXT,
            title TEXT,
            metadata TEXT
        )""",
        """CREATE INDEX IF NOT EXISTS chatstore_expiry
            ON chatstore_conversations (expires_at) WHERE expires_at IS NOT NULL""",
        """CREATE INDEX IF NOT EXISTS chatstore_owners
            ON chatstore_conversations (owner, updated_at, key) WHERE owner IS NOT NULL""",
        """CREATE TABLE IF NOT EXISTS chatstore_messages (
            conversation INTEGER NOT NULL,
            position INTEGER NOT NULL,
            message_id TEXT NOT NULL,
            body TEXT NOT NULL,
            UNIQUE (conversation, position),
            UNIQUE (conversation, message_id)
        )""",
    ),
)
"""The statements of each migration; migration number n creates version n of the tables."""

# one row for each applied migration
_VERSION_TABLE = """CREATE TABLE IF NOT EXISTS chatstore_schema (
    version INTEGER PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)"""


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Create the tables, or update those of an earlier version; safe in many processes at once.

    Raises:
        SchemaVersionError: A later version of this package created the tables.

    """
    version = _read_version(connection)
    if version < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _read_version(connection)  # another process may have migrated meanwhile
            connection.execute(_VERSION_TABLE)
            while version < len(MIGRATIONS):
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                version += 1
                connection.execute("INSERT INTO chatstore_schema (version) VALUES (?)", (version,))
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
    _refuse_later(version, path)


def check(connection: sqlite3.Connection, path: str) -> None:
    """Check that the tables are of this version, without changing anything.

    Raises:
        SchemaVersionError: A later version of this package created the tables.
        StoreSetupError: The tables are missing, or of an earlier version.

    """
    version = _read_version(connection)
    if version < len(MIGRATIONS):
        state = f"have the earlier schema version {version}" if version else "are missing"
        verb = "update" if version else "create"
        raise StoreSetupError(
            f"{path}: the tables of chatstore {state} and this store does not {verb} them "
            "(create=False): call setup(), or check the path"
        )
    _refuse_later(version, path)


def _refuse_later(version: int, path: str) -> None:
    if version > len(MIGRATIONS):
        raise SchemaVersionError(
            f"{path}: the tables have schema version {version}, this package knows "
            f"{len(MIGRATIONS)}: upgrade chatstore-sqlite"
        )


def _read_version(connection: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 if they do not exist."""
    table = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'chatstore_schema'"
    ).fetchone()
    if table is None:
        return 0
    row = connection.execute("SELECT max(version) FROM chatstore_schema").fetchone()
    return 0 if row is None or row[0] is None else int(row[0])
