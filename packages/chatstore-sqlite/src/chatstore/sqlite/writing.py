"""The writes of messages, each inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatstore.core import RevisionConflictError
from chatstore.core.backend import (
    Append,
    Existing,
    Insert,
    Put,
    Record,
    Remove,
    Replace,
    StoredRecord,
    Truncate,
)
from chatstore.sqlite.heads import (
    Head,
    Moment,
    begin,
    check,
    contradiction,
    drop_if_spent,
    find,
    find_unchanged,
    save,
    with_new_epoch,
)
from chatstore.sqlite.reading import find_record, position_at


def append(db: sqlite3.Connection, key: str, write: Append, moment: Moment) -> list[Existing]:
    """Append records, or return those that exist."""
    head = find(db, key, moment.now)
    if head is None:
        check(None, write.expected_revision)
        extend(db, begin(db, key, moment.now), write.records, moment)
        return []
    if len(write.records) > 1:
        db.execute("SAVEPOINT append")
    try:
        check(head, write.expected_revision)
        _write(db, head, head.next_position, write.records)
    except (RevisionConflictError, sqlite3.IntegrityError):
        # The index of ids refuses existing ones: looking for each of them first takes as long as
        # writing it.
        if len(write.records) > 1:
            db.execute("ROLLBACK TO append")
        existing = _existing(db, head, write.records)
        if not existing:
            raise
        return existing
    _lengthen(db, head, len(write.records), moment)
    return []


def insert(db: sqlite3.Connection, key: str, write: Insert, moment: Moment) -> list[Existing]:
    """Insert a record before an index, or return it if it exists.

    Positions only grow, so later records move behind the new one, to new positions.
    """
    head = find(db, key, moment.now)
    index = 0 if head is None else slice(write.index, None).indices(head.length)[0]
    if head is None or index == head.length:
        return append(db, key, Append([write.record], write.expected_revision), moment)
    if existing := _existing(db, head, [write.record]):
        return existing
    check(head, write.expected_revision)
    first = position_at(db, head, index)
    shift = head.next_position + 1 - first
    db.execute(
        "UPDATE chatstore_messages SET position = position + ? "
        "WHERE conversation = ? AND position >= ?",
        (shift, head.id, first),
    )
    _write(db, head, head.next_position, [write.record])
    moved = head._replace(next_position=head.next_position + shift, length=head.length + 1)
    save(db, with_new_epoch(moved), moment)
    return []


def put(db: sqlite3.Connection, key: str, write: Put, moment: Moment) -> None:
    """Replace the record with the same id, or append the new one."""
    head = find_unchanged(db, key, write.expected_revision, moment.now)
    head = head or begin(db, key, moment.now)
    identity = (head.id, write.record.id)
    is_known = db.execute(
        "UPDATE chatstore_messages SET body = ? WHERE conversation = ? AND message_id = ?",
        (write.record.body, *identity),
    ).rowcount
    if not is_known:
        extend(db, head, [write.record], moment)
        return
    if write.moves_to_end:
        db.execute(
            "UPDATE chatstore_messages SET position = ? WHERE conversation = ? AND message_id = ?",
            (head.next_position, *identity),
        )
        head = head._replace(next_position=head.next_position + 1)
    save(db, head, moment)


def replace(db: sqlite3.Connection, key: str, write: Replace, moment: Moment) -> None:
    """Replace all records of a conversation, or begin it with them."""
    head = find_unchanged(db, key, write.expected_revision, moment.now)
    if head is not None:
        db.execute("DELETE FROM chatstore_messages WHERE conversation = ?", (head.id,))
        empty = with_new_epoch(head)._replace(next_position=0, length=0)
    elif write.records:
        empty = begin(db, key, moment.now)
    else:
        return
    extend(db, empty, write.records, moment)


def remove(db: sqlite3.Connection, key: str, write: Remove, moment: Moment) -> StoredRecord | None:
    """Remove a record and return it; ``None`` if there is no such record."""
    head = find_unchanged(db, key, write.expected_revision, moment.now)
    record = None if head is None else find_record(db, head, write.target)
    if head is None or record is None:
        return None
    write.check(record)
    db.execute(
        "DELETE FROM chatstore_messages WHERE conversation = ? AND position = ?",
        (head.id, record.position),
    )
    _shorten(db, head, 1, moment)
    return record


def truncate(db: sqlite3.Connection, key: str, write: Truncate, moment: Moment) -> int:
    """Remove the record with an id and all behind it; return their number."""
    head = find_unchanged(db, key, write.expected_revision, moment.now)
    record = None if head is None else find_record(db, head, write.from_id)
    if head is None or record is None:
        return 0
    count = db.execute(
        "DELETE FROM chatstore_messages WHERE conversation = ? AND position >= ?",
        (head.id, record.position),
    ).rowcount
    _shorten(db, head, count, moment)
    return count


def extend(db: sqlite3.Connection, head: Head, new: Sequence[Record], moment: Moment) -> None:
    """Write new records behind the others, and the head."""
    _write(db, head, head.next_position, new)
    _lengthen(db, head, len(new), moment)


def _lengthen(db: sqlite3.Connection, head: Head, count: int, moment: Moment) -> None:
    """Write the head of a conversation that got records behind the others."""
    end, length = head.next_position + count, head.length + count
    longer = head._replace(next_position=end, length=length)
    save(db, longer, moment)
    drop_if_spent(db, longer)


def _shorten(db: sqlite3.Connection, head: Head, count: int, moment: Moment) -> None:
    """Write the head of a conversation that lost records."""
    if count > head.length:
        raise contradiction(head)
    shorter = head._replace(length=head.length - count)
    save(db, shorter, moment)
    drop_if_spent(db, shorter)


def _write(db: sqlite3.Connection, head: Head, start: int, new: Sequence[Record]) -> None:
    db.executemany(
        "INSERT INTO chatstore_messages (conversation, position, message_id, body) "
        "VALUES (?, ?, ?, ?)",
        # not a list, which would be as long as a call's messages
        ((head.id, position, record.id, record.body) for position, record in enumerate(new, start)),
    )


def _existing(db: sqlite3.Connection, head: Head, new: Sequence[Record]) -> list[Existing]:
    existing = []
    for record in new:
        row = db.execute(
            "SELECT message_id, body FROM chatstore_messages "
            "WHERE conversation = ? AND message_id = ?",
            (head.id, record.id),
        ).fetchone()
        if row is not None:
            existing.append(Existing(*row))
    return existing
