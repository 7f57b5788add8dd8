"""The reads of messages, each inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatstore.core.backend import Newest, Oldest, Page, StoredRecord, StoredRecords
from chatstore.sqlite import conversation_rows
from chatstore.sqlite.heads import Head, contradiction, find

_ALL = -1  # SQLite's LIMIT for no limit


def count(db: sqlite3.Connection, key: str, now: float) -> int:
    """Return the number of messages."""
    head = find(db, key, now)
    return 0 if head is None else head.length


def read_newest(db: sqlite3.Connection, key: str, read: Newest, now: float) -> Page:
    """Read the newest records before a position, oldest first, and the first records.

    Raises:
        CorruptStoreError: There are fewer records than the head says.

    """
    head = find(db, key, now)
    if head is None:
        return Page(None, [])
    end = head.next_position if read.before is None else read.before
    newest = db.execute(
        "SELECT position, body FROM chatstore_messages WHERE conversation = ? AND position < ? "
        "ORDER BY position DESC LIMIT ?",
        (head.id, end, _ALL if read.limit is None else read.limit),
    ).fetchall()
    expected = head.length if read.limit is None else min(read.limit, head.length)
    if read.before is None and len(newest) != expected:
        raise contradiction(head)
    first = _read_from(db, head, -1, read.leading) if read.leading else []
    conversation = conversation_rows.read(db, head.id) if read.with_conversation else None
    return Page(head.epoch, StoredRecords.from_rows(newest[::-1]), first, conversation)


def read_oldest(db: sqlite3.Connection, key: str, read: Oldest, now: float) -> Page:
    """Read the oldest records after a position."""
    head = find(db, key, now)
    if head is None:
        return Page(None, [])
    after = -1 if read.after is None else read.after
    return Page(head.epoch, _read_from(db, head, after, read.limit))


def find_by_id(db: sqlite3.Connection, key: str, message_id: str, now: float) -> Page:
    """Read the record with an id, as a page of one record or of none."""
    head = find(db, key, now)
    if head is None:
        return Page(None, [])
    record = find_record(db, head, message_id)
    return Page(head.epoch, [] if record is None else [record])


def find_record(db: sqlite3.Connection, head: Head, target: int | str) -> StoredRecord | None:
    """Return the record at an index or with an id; ``None``: there is none.

    Raises:
        CorruptStoreError: There are fewer records than the head says.

    """
    column, value = "message_id", target
    if isinstance(target, int):
        if not -head.length <= target < head.length:
            return None
        column, value = "position", position_at(db, head, target)
    row = db.execute(
        f"SELECT position, body FROM chatstore_messages WHERE conversation = ? AND {column} = ?",
        (head.id, value),
    ).fetchone()
    if row is None:
        return None
    if not isinstance(row[0], int):
        raise contradiction(head)
    return StoredRecord(*row)


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
