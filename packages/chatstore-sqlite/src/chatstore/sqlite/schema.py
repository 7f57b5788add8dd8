"""The tables, in whatever file they stand: it may be an application's own database."""

from __future__ import annotations

import sqlite3

from chatstore.core import SchemaVersionError

VERSION = 1

_TABLES = (
    "CREATE TABLE IF NOT EXISTS chatstore_schema (version INTEGER NOT NULL)",
    # AUTOINCREMENT: the id of a conversation that is gone never comes again.
    """CREATE TABLE IF NOT EXISTS chatstore_conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT UNIQUE,
        epoch INTEGER NOT NULL,
        next_position INTEGER NOT NULL,
        count INTEGER NOT NULL,
        expires_at REAL
    )""",
    """CREATE INDEX IF NOT EXISTS chatstore_expiry
        ON chatstore_conversations (expires_at) WHERE expires_at IS NOT NULL""",
    """CREATE TABLE IF NOT EXISTS chatstore_messages (
        conversation INTEGER NOT NULL,
        position INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (conversation, position),
        UNIQUE (conversation, message_id)
    )""",
)


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables where they are missing; safe when many processes do it at once.

    Raises:
        SchemaVersionError: A later version of this package made them.

    """
    version = _version(connection)
    if version is None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection)
            if version is None:
                for statement in _TABLES:
                    connection.execute(statement)
                connection.execute("INSERT INTO chatstore_schema VALUES (?)", (VERSION,))
                version = VERSION
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
    if version > VERSION:
        raise SchemaVersionError(
            f"the tables have schema version {version}, this package knows {VERSION}"
        )


def _version(connection: sqlite3.Connection) -> int | None:
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'chatstore_schema'"
    ).fetchone()
    if found is None:
        return None
    row = connection.execute("SELECT max(version) FROM chatstore_schema").fetchone()
    return None if row is None or row[0] is None else int(row[0])
