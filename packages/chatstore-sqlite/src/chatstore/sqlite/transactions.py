"""What each operation does to the tables, inside one transaction."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from chatstore.core import CorruptStoreError, codec
from chatstore.core.backend import Existing, KeyPage, Page, Record, StoredRecord, StoredRecords

PURGED_AT_ONCE = 200
"""Messages of expired conversations that one write reclaims, so that its cost stays flat."""

_MOST = 2**62  # SQLite's integers have 64 bits; this leaves room to add to

_ALIVE = "(expires_at IS NULL OR expires_at > :now)"


class Head(NamedTuple):
    """A conversation's row."""

    id: int
    epoch: int
    next_position: int
    length: int


def find(db: sqlite3.Connection, key: str, now: float) -> Head | None:
    """Return the row of a living conversation."""
    row = db.execute(
        "SELECT id, epoch, next_position, count FROM chatstore_conversations "
        f"WHERE key = :key AND {_ALIVE}",
        {"key": key, "now": now},
    ).fetchone()
    if row is None:
        return None
    try:
        if 0 <= row[3] <= row[2] < _MOST:
            return Head(*row)
    except TypeError:
        pass  # not numbers: as bad as numbers out of range
    raise CorruptStoreError("the row of a conversation is damaged: its numbers are out of range")


def append(
    db: sqlite3.Connection, key: str, records: Sequence[Record], now: float, expiry: float | None
) -> list[Existing]:
    """Append records, or return those that are held."""
    head = find(db, key, now)
    if head is None:
        head = _begin(db, key, now)
    elif held := _held(db, head, records):
        return held
    _write(db, head, head.next_position, records)
    end = head.next_position + len(records)
    _update(db, head._replace(next_position=end, length=head.length + len(records)), expiry)
    return []


def insert(
    db: sqlite3.Connection, key: str, index: int, record: Record, now: float, expiry: float | None
) -> list[Existing]:
    """Insert a record before an index, or return it if it is held.

    Positions only grow, so what follows moves behind the new record, to new positions.
    """
    head = find(db, key, now)
    if head is None or index >= head.length:
        return append(db, key, [record], now, expiry)
    if held := _held(db, head, [record]):
        return held
    place = max(0, index + head.length) if index < 0 else index
    first = _position_at(db, head, place)
    shift = head.next_position + 1 - first
    db.execute(
        "UPDATE chatstore_messages SET position = position + ? "
        "WHERE conversation = ? AND position >= ?",
        (shift, head.id, first),
    )
    _write(db, head, head.next_position, [record])
    moved = Head(head.id, _new_epoch(), head.next_position + shift, head.length + 1)
    _update(db, moved, expiry)
    return []


def replace(
    db: sqlite3.Connection, key: str, records: Sequence[Record], now: float, expiry: float | None
) -> None:
    """Make a new conversation under the key."""
    delete(db, key)
    head = _begin(db, key, now)
    _write(db, head, 0, records)
    _update(db, head._replace(next_position=len(records), length=len(records)), expiry)


def delete(db: sqlite3.Connection, key: str) -> None:
    """Delete a conversation with all its messages, whether it has expired or not."""
    db.execute(
        "DELETE FROM chatstore_messages WHERE conversation = "
        "(SELECT id FROM chatstore_conversations WHERE key = ?)",
        (key,),
    )
    db.execute("DELETE FROM chatstore_conversations WHERE key = ?", (key,))


def remove(
    db: sqlite3.Connection,
    key: str,
    index: int,
    now: float,
    expiry: float | None,
    *,
    force: bool,
) -> StoredRecord | None:
    """Remove one record, if it can be read."""
    head = find(db, key, now)
    if head is None or not -head.length <= index < head.length:
        return None
    position = _position_at(db, head, index)
    place = (head.id, position)
    (body,) = db.execute(
        "SELECT body FROM chatstore_messages WHERE conversation = ? AND position = ?", place
    ).fetchone()
    if not force:
        codec.decode(key, position, body)
    if head.length == 1:
        delete(db, key)
    else:
        db.execute("DELETE FROM chatstore_messages WHERE conversation = ? AND position = ?", place)
        _update(db, head._replace(length=head.length - 1), expiry)
    return StoredRecord(position, body)


def read_newest(
    db: sqlite3.Connection, key: str, limit: int, before: int | None, leading: int, now: float
) -> Page:
    """Read the newest records before a position, oldest first, and the first ones."""
    head = find(db, key, now)
    if head is None:
        return Page(None, [])
    end = head.next_position if before is None else before
    newest = db.execute(
        "SELECT position, body FROM chatstore_messages WHERE conversation = ? AND position < ? "
        "ORDER BY position DESC LIMIT ?",
        (head.id, end, limit),
    ).fetchall()
    if before is None and len(newest) != (head.length if limit < 0 else min(limit, head.length)):
        raise _disagreement(head)
    first = read_from(db, head, -1, leading) if leading else []
    return Page(head.epoch, StoredRecords.from_rows(newest[::-1]), first)


def read_oldest(
    db: sqlite3.Connection, key: str, limit: int, after: int | None, now: float
) -> Page:
    """Read the oldest records after a position."""
    head = find(db, key, now)
    if head is None:
        return Page(None, [])
    return Page(head.epoch, read_from(db, head, -1 if after is None else after, limit))


def read_from(db: sqlite3.Connection, head: Head, after: int, limit: int) -> Sequence[StoredRecord]:
    """Read records after a position, oldest first."""
    rows = db.execute(
        "SELECT position, body FROM chatstore_messages WHERE conversation = ? AND position > ? "
        "ORDER BY position LIMIT ?",
        (head.id, after, limit),
    ).fetchall()
    return StoredRecords.from_rows(rows)


def list_keys(
    db: sqlite3.Connection, prefix: str, limit: int, cursor: str | None, now: float
) -> KeyPage:
    """Read keys in their order, from the prefix or behind the cursor on."""
    # Keys sort by their bytes, so those with the prefix follow each other; a LIKE or GLOB
    # would read patterns in them, and ends at a NUL.
    beyond = "key >= :start" if cursor is None else "key > :start"
    rows = db.execute(
        f"SELECT key FROM chatstore_conversations WHERE {beyond} AND {_ALIVE} "
        "ORDER BY key LIMIT :limit",
        {"start": prefix if cursor is None else cursor, "now": now, "limit": limit},
    ).fetchall()
    if not all(isinstance(key, str) for (key,) in rows):
        raise CorruptStoreError("the key of a conversation is damaged: it is not a text")
    keys = [key for (key,) in rows if key.startswith(prefix)]
    return KeyPage(keys, keys[-1] if len(keys) == limit else None)


def purge(db: sqlite3.Connection, now: float, limit: int) -> bool:
    """Reclaim some of what expired; return whether something may be left."""
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


def _begin(db: sqlite3.Connection, key: str, now: float) -> Head:
    """Make a row for a key; an expired conversation under it loses its name and is purged later."""
    db.execute(
        "UPDATE chatstore_conversations SET key = NULL WHERE key = ? AND expires_at <= ?",
        (key, now),
    )
    epoch = _new_epoch()
    cursor = db.execute(
        "INSERT INTO chatstore_conversations (key, epoch, next_position, count) "
        "VALUES (?, ?, 0, 0)",
        (key, epoch),
    )
    return Head(int(cursor.lastrowid or 0), epoch, 0, 0)


def _write(db: sqlite3.Connection, head: Head, start: int, records: Sequence[Record]) -> None:
    db.executemany(
        "INSERT INTO chatstore_messages (conversation, position, message_id, body) "
        "VALUES (?, ?, ?, ?)",
        [(head.id, start + n, record.id, record.body) for n, record in enumerate(records)],
    )


def _update(db: sqlite3.Connection, head: Head, expiry: float | None) -> None:
    db.execute(
        "UPDATE chatstore_conversations SET epoch = ?, next_position = ?, count = ?, "
        "expires_at = ? WHERE id = ?",
        (head.epoch, head.next_position, head.length, expiry, head.id),
    )


def _held(db: sqlite3.Connection, head: Head, records: Sequence[Record]) -> list[Existing]:
    held = []
    for record in records:
        row = db.execute(
            "SELECT message_id, body FROM chatstore_messages "
            "WHERE conversation = ? AND message_id = ?",
            (head.id, record.id),
        ).fetchone()
        if row is not None:
            held.append(Existing(*row))
    return held


def _position_at(db: sqlite3.Connection, head: Head, index: int) -> int:
    """Return the position of an index that exists, counted from the nearer end."""
    place = index + head.length if index < 0 else index
    from_start = place <= head.length // 2
    order, offset = ("ASC", place) if from_start else ("DESC", head.length - 1 - place)
    row = db.execute(
        "SELECT position FROM chatstore_messages WHERE conversation = ? "
        f"ORDER BY position {order} LIMIT 1 OFFSET ?",
        (head.id, offset),
    ).fetchone()
    if row is None or not isinstance(row[0], int):
        raise _disagreement(head)
    return row[0]


def _disagreement(head: Head) -> CorruptStoreError:
    return CorruptStoreError(
        f"the parts of a conversation do not agree: it should have {head.length} messages, and "
        "some are missing or damaged; restore a backup, or delete the conversation"
    )


def _new_epoch() -> int:
    return secrets.randbits(62)
