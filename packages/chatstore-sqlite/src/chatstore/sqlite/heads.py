"""The head of a conversation: its row, which every operation reads first."""

from __future__ import annotations

import secrets
import sqlite3
from typing import NamedTuple

from chatstore.core import CorruptStoreError

_MAX_POSITION = 2**62  # SQLite's integers have 64 bits; this leaves room for additions

IS_ALIVE = "(expires_at IS NULL OR expires_at > :now)"


class Moment(NamedTuple):
    """When a conversation is changed, in seconds since 1970.

    Attributes:
        now: The time.
        expires_at: When the conversation expires; ``None``: never.

    """

    now: float
    expires_at: float | None


class Head(NamedTuple):
    """The numbers in a conversation's row."""

    id: int
    epoch: int
    next_position: int
    length: int


def find(db: sqlite3.Connection, key: str, now: float) -> Head | None:
    """Return the head of a conversation that has not expired.

    Raises:
        CorruptStoreError: The row is damaged.

    """
    row = db.execute(
        "SELECT id, epoch, next_position, length FROM chatstore_conversations "
        f"WHERE key = :key AND {IS_ALIVE}",
        {"key": key, "now": now},
    ).fetchone()
    if row is None:
        return None
    try:
        if 0 <= row[3] <= row[2] < _MAX_POSITION:
            return Head(*row)
    except TypeError:
        pass  # a value is not a number
    raise CorruptStoreError(
        "the row of a conversation is damaged: its numbers are out of range; restore a backup, or "
        "delete the conversation"
    )


def begin(db: sqlite3.Connection, key: str, now: float) -> Head:
    """Insert a row for a key without a conversation, or with an expired one.

    An expired conversation loses its key, and is purged later.
    """
    db.execute(
        "UPDATE chatstore_conversations SET key = NULL WHERE key = ? AND expires_at <= ?",
        (key, now),
    )
    epoch = new_epoch()
    cursor = db.execute(
        "INSERT INTO chatstore_conversations (key, epoch, next_position, length) "
        "VALUES (?, ?, 0, 0)",
        (key, epoch),
    )
    return Head(int(cursor.lastrowid or 0), epoch, 0, 0)


def update(db: sqlite3.Connection, head: Head, expires_at: float | None) -> None:
    """Write a changed head."""
    db.execute(
        "UPDATE chatstore_conversations SET epoch = ?, next_position = ?, length = ?, "
        "expires_at = ? WHERE id = ?",
        (head.epoch, head.next_position, head.length, expires_at, head.id),
    )


def new_epoch() -> int:
    """Return a random epoch: conversations of the same key never share one."""
    return secrets.randbits(62)


def contradiction(head: Head) -> CorruptStoreError:
    """Return the error for a conversation whose head and messages contradict each other."""
    return CorruptStoreError(
        f"the parts of a conversation do not agree: it should have {head.length} messages, and "
        "some are missing or damaged; restore a backup, or delete the conversation"
    )
