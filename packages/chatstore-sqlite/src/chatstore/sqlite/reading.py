"""The reads, each inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatstore.core import CorruptStoreError
from chatstore.core.backend import KeyPage, Page, StoredRecord, StoredRecords
from chatstore.sqlite.heads import IS_ALIVE, Head, contradiction, find

_ALL = -1  # SQLite's LIMIT for no limit


def count(db: sqlite3.Connection, key: str, now: float) -> int:
    """Return the number of messages."""
    head = find(db, key, now)
    return 0 if head is None else head.length


def read_newest(
    db: sqlite3.Connection,
    key: str,
    limit: int | None,
    before: int | None,
    leading: int,
    now: float,
) -> Page:
    """Read the newest records before a position, oldest first, and the first records.

    Raises:
        CorruptStoreError: There are fewer records than the head says.

    """
    head = find(db, key, now)
    if head is None:
        return Page(None, [])
    end = head.next_position if before is None else before
    newest = db.execute(
        "SELECT position, body FROM chatstore_messages WHERE conversation = ? AND position < ? "
        "ORDER BY position DESC LIMIT ?",
        (head.id, end, _ALL if limit is None else limit),
    ).fetchall()
    expected = head.length if limit is None else min(limit, head.length)
    if before is None and len(newest) != expected:
        raise contradiction(head)
    first = _read_from(db, head, -1, leading) if leading else []
    return Page(head.epoch, StoredRecords.from_rows(newest[::-1]), first)


def read_oldest(
    db: sqlite3.Connection, key: str, limit: int, after: int | None, now: float
) -> Page:
    """Read the oldest records after a position."""
    head = find(db, key, now)
    if head is None:
        return Page(None, [])
    return Page(head.epoch, _read_from(db, head, -1 if after is None else after, limit))


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
    if not all(isinstance(key, str) for (key,) in rows):
        raise CorruptStoreError(
            "the key of a conversation is damaged: it is not text; restore a backup"
        )
    keys = [key for (key,) in rows if key.startswith(prefix)]
    return KeyPage(keys, keys[-1] if len(keys) == limit else None)


def position_at(db: sqlite3.Connection, head: Head, index: int) -> int:
    """Return the position of an existing index, counted from the nearer end.

    Raises:
        CorruptStoreError: There are fewer records than the head says.

    """
    if index < 0:
        index += head.length
    is_near_start = index <= head.length // 2
    order, offset = ("ASC", index) if is_near_start else ("DESC", head.length - 1 - index)
    row = db.execute(
        "SELECT position FROM chatstore_messages WHERE conversation = ? "
        f"ORDER BY position {order} LIMIT 1 OFFSET ?",
        (head.id, offset),
    ).fetchone()
    if row is None or not isinstance(row[0], int):
        raise contradiction(head)
    return row[0]


def _read_from(
    db: sqlite3.Connection, head: Head, after: int, limit: int
) -> Sequence[StoredRecord]:
    rows = db.execute(
        "SELECT position, body FROM chatstore_messages WHERE conversation = ? AND position > ? "
        "ORDER BY position LIMIT ?",
        (head.id, after, limit),
    ).fetchall()
    return StoredRecords.from_rows(rows)
