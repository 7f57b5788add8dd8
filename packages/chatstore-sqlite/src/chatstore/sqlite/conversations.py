"""Conversations without their messages: created, changed, deleted, read and listed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from chatstore.core import CorruptStoreError
from chatstore.core.backend import (
    Create,
    Delete,
    KeyPage,
    OwnedPage,
    StoredConversation,
    Update,
    check_revision,
)
from chatstore.sqlite import conversation_rows
from chatstore.sqlite.heads import (
    IS_ALIVE,
    Moment,
    begin,
    drop,
    drop_if_spent,
    find,
    find_unchanged,
    save,
)
from chatstore.sqlite.writing import extend

PURGE_BATCH = 200
"""The most messages of expired conversations that one write deletes, to limit its cost."""


def create(
    db: sqlite3.Connection, key: str, write: Create, moment: Moment
) -> StoredConversation | None:
    """Begin a conversation and return it; ``None`` if there is one."""
    if find(db, key, moment.now) is not None:
        return None
    head = begin(db, key, moment.now, write.record)
    extend(db, head, write.records, moment)
    return conversation_rows.read(db, head.id)


def update(
    db: sqlite3.Connection, key: str, write: Update, moment: Moment
) -> StoredConversation | None:
    """Change a record and return the conversation; ``None`` if it has another record."""
    head = find(db, key, moment.now)
    stored = None if head is None else conversation_rows.read(db, head.id)
    if head is None or stored is None or stored.record != write.before:
        return None
    check_revision(write.expected_revision, stored.revision)
    after = write.after
    db.execute(
        "UPDATE chatstore_conversations SET owner = ?, title = ?, metadata = ?, is_created = ? "
        "WHERE id = ?",
        (after.owner, after.title, after.metadata, after.is_created, head.id),
    )
    save(db, head, moment)
    stored = conversation_rows.read(db, head.id)
    drop_if_spent(db, head)
    return stored


def delete(db: sqlite3.Connection, key: str, write: Delete, now: float) -> None:
    """Delete a conversation and its messages, even if it has expired or is damaged."""
    if write.expected_revision is not None:
        find_unchanged(db, key, write.expected_revision, now)
    row = db.execute("SELECT id FROM chatstore_conversations WHERE key = ?", (key,)).fetchone()
    if row is not None:
        drop(db, *row)


def check_right_to_write(db: sqlite3.Connection) -> None:
    """Execute a statement that changes nothing, and fails if the file cannot be written."""
    db.execute("DELETE FROM chatstore_conversations WHERE id IS NULL")


def purge(db: sqlite3.Connection, now: float, limit: int) -> bool:
    """Delete messages of an expired conversation; return whether there may be more."""
    row = db.execute(
        "SELECT id FROM chatstore_conversations WHERE expires_at <= ? ORDER BY expires_at LIMIT 1",
        (now,),
    ).fetchone()
    if row is None:
        return False
    deleted = db.execute(
        "DELETE FROM chatstore_messages WHERE rowid IN "
        "(SELECT rowid FROM chatstore_messages WHERE conversation = ? LIMIT ?)",
        (*row, limit),
    ).rowcount
    if deleted < limit:
        db.execute("DELETE FROM chatstore_conversations WHERE id = ?", row)
    return True


def read(
    db: sqlite3.Connection, keys: Sequence[str], now: float
) -> list[StoredConversation | None]:
    """Read conversations by their keys."""
    heads = [find(db, key, now) for key in keys]
    return [None if head is None else conversation_rows.read(db, head.id) for head in heads]


def list_owned(
    db: sqlite3.Connection, owner: str, limit: int, cursor: Sequence[Any] | None, now: float
) -> OwnedPage:
    """Read conversations of an owner; the cursor is the time and the key of the last one.

    Raises:
        CorruptStoreError: The row of one is damaged.

    """
    updated_at, key = cursor or (None, None)
    start = "" if cursor is None else "AND (updated_at, key) < (:updated_at, :key)"
    rows = db.execute(
        f"SELECT {conversation_rows.COLUMNS}, key FROM chatstore_conversations "
        f"WHERE owner = :owner {start} AND {IS_ALIVE} "
        "ORDER BY updated_at DESC, key DESC LIMIT :limit",
        {"owner": owner, "updated_at": updated_at, "key": key, "now": now, "limit": limit + 1},
    ).fetchall()
    _check_keys([row[-1] for row in rows])
    page = [(row[-1], conversation_rows.parse(row[:-1])) for row in rows[:limit]]
    if len(rows) <= limit:
        return OwnedPage(page, None)
    last_key, last = page[-1]
    return OwnedPage(page, [last.updated_at, last_key])


def list_keys(
    db: sqlite3.Connection, prefix: str, limit: int, cursor: str | None, now: float
) -> KeyPage:
    """Read keys in their order, from the prefix on, or after the cursor.

    Raises:
        CorruptStoreError: A key is damaged.

    """
    # Keys are ordered by their bytes, so keys with the prefix are next to each other. LIKE and
    # GLOB would interpret the prefix as a pattern, and stop at a NUL.
    start = "key >= :start" if cursor is None else "key > :start"
    rows = db.execute(
        f"SELECT key FROM chatstore_conversations WHERE {start} AND {IS_ALIVE} "
        "ORDER BY key LIMIT :limit",
        {"start": prefix if cursor is None else cursor, "now": now, "limit": limit},
    ).fetchall()
    keys = _check_keys([key for (key,) in rows])
    keys = [key for key in keys if key.startswith(prefix)]
    return KeyPage(keys, keys[-1] if len(keys) == limit else None)


def _check_keys(keys: Sequence[Any]) -> Sequence[str]:
    if not all(isinstance(key, str) for key in keys):
        raise CorruptStoreError(
            "the key of a conversation is damaged: it is not text; restore a backup"
        )
    return keys
