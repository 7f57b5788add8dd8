"""The writes, each inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatstore.core.backend import Existing, Insert, Record, Remove, Replace, StoredRecord
from chatstore.sqlite.heads import Head, Moment, begin, find, new_epoch, update
from chatstore.sqlite.reading import position_at

PURGE_BATCH = 200
"""The most messages of expired conversations that one write deletes, to limit its cost."""


def append(
    db: sqlite3.Connection, key: str, records: Sequence[Record], moment: Moment
) -> list[Existing]:
    """Append records, or return those that exist."""
    head = find(db, key, moment.now)
    if head is None:
        head = begin(db, key, moment.now)
    elif existing := _existing(db, head, records):
        return existing
    _write(db, head, head.next_position, records)
    end = head.next_position + len(records)
    length = head.length + len(records)
    update(db, head._replace(next_position=end, length=length), moment.expires_at)
    return []


def insert(db: sqlite3.Connection, key: str, write: Insert, moment: Moment) -> list[Existing]:
    """Insert a record before an index, or return it if it exists.

    Positions only grow, so later records move behind the new one, to new positions.
    """
    head = find(db, key, moment.now)
    if head is None or write.index >= head.length:
        return append(db, key, [write.record], moment)
    if existing := _existing(db, head, [write.record]):
        return existing
    index = max(0, write.index + head.length) if write.index < 0 else write.index
    first = position_at(db, head, index)
    shift = head.next_position + 1 - first
    db.execute(
        "UPDATE chatstore_messages SET position = position + ? "
        "WHERE conversation = ? AND position >= ?",
        (shift, head.id, first),
    )
    _write(db, head, head.next_position, [write.record])
    moved = Head(head.id, new_epoch(), head.next_position + shift, head.length + 1)
    update(db, moved, moment.expires_at)
    return []


def replace(db: sqlite3.Connection, key: str, write: Replace, moment: Moment) -> None:
    """Replace the conversation by a new one with these records."""
    delete(db, key)
    head = begin(db, key, moment.now)
    _write(db, head, 0, write.records)
    length = len(write.records)
    update(db, head._replace(next_position=length, length=length), moment.expires_at)


def delete(db: sqlite3.Connection, key: str) -> None:
    """Delete a conversation and its messages, even if it has expired."""
    db.execute(
        "DELETE FROM chatstore_messages WHERE conversation = "
        "(SELECT id FROM chatstore_conversations WHERE key = ?)",
        (key,),
    )
    db.execute("DELETE FROM chatstore_conversations WHERE key = ?", (key,))


def remove(db: sqlite3.Connection, key: str, write: Remove, moment: Moment) -> StoredRecord | None:
    """Remove a record and return it; ``None`` if the index is out of range."""
    head = find(db, key, moment.now)
    if head is None or not -head.length <= write.index < head.length:
        return None
    position = position_at(db, head, write.index)
    identity = (head.id, position)
    (body,) = db.execute(
        "SELECT body FROM chatstore_messages WHERE conversation = ? AND position = ?", identity
    ).fetchone()
    record = StoredRecord(position, body)
    write.check(record)
    if head.length == 1:
        delete(db, key)
    else:
        db.execute(
            "DELETE FROM chatstore_messages WHERE conversation = ? AND position = ?", identity
        )
        update(db, head._replace(length=head.length - 1), moment.expires_at)
    return record


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


def _write(db: sqlite3.Connection, head: Head, start: int, records: Sequence[Record]) -> None:
    db.executemany(
        "INSERT INTO chatstore_messages (conversation, position, message_id, body) "
        "VALUES (?, ?, ?, ?)",
        [(head.id, start + n, record.id, record.body) for n, record in enumerate(records)],
    )


def _existing(db: sqlite3.Connection, head: Head, records: Sequence[Record]) -> list[Existing]:
    existing = []
    for record in records:
        row = db.execute(
            "SELECT message_id, body FROM chatstore_messages "
            "WHERE conversation = ? AND message_id = ?",
            (head.id, record.id),
        ).fetchone()
        if row is not None:
            existing.append(Existing(*row))
    return existing
