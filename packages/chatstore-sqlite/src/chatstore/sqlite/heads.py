"""The head of a conversation: the numbers in its row, which every operation reads first."""

from __future__ import annotations

import secrets
import sqlite3
from typing import NamedTuple

from chatstore.core import CorruptStoreError
from chatstore.core.backend import ConversationRecord, check_revision
from chatstore.sqlite import conversation_rows

_MAX_POSITION = 2**62  # SQLite's integers have 64 bits; this leaves room for additions
_NO_RECORD = ConversationRecord()

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
    revision: int


def find(db: sqlite3.Connection, key: str, now: float) -> Head | None:
    """Return the head of a conversation that has not expired.

    Raises:
        CorruptStoreError: The row is damaged.

    """
    row = db.execute(
        "SELECT id, epoch, next_position, length, revision FROM chatstore_conversations "
        f"WHERE key = :key AND {IS_ALIVE}",
        {"key": key, "now": now},
    ).fetchone()
    if row is None:
        return None
    try:
        if 0 <= row[3] <= row[2] < _MAX_POSITION and isinstance(row[4], int):
            return Head(*row)
    except TypeError:
        pass  # a value is not a number
    raise CorruptStoreError(
        "the row of a conversation is damaged: its numbers are out of range; restore a backup, or "
        "delete the conversation"
    )


def find_unchanged(
    db: sqlite3.Connection, key: str, expected_revision: str | None, now: float
) -> Head | None:
    """Return the head of a conversation that a call may change.

    Raises:
        CorruptStoreError: The row is damaged.
        RevisionConflictError: It does not have the expected revision.

    """
    head = find(db, key, now)
    check(head, expected_revision)
    return head


def check(head: Head | None, expected_revision: str | None) -> None:
    """Raise `RevisionConflictError` if a head does not have the expected revision."""
    if expected_revision is not None:
        check_revision(expected_revision, None if head is None else str(head.revision))


def begin(
    db: sqlite3.Connection, key: str, now: float, record: ConversationRecord = _NO_RECORD
) -> Head:
    """Insert a row for a key without a conversation, or with an expired one; `save` follows.

    An expired conversation loses its key and its owner, and is purged later.
    """
    db.execute(
        "UPDATE chatstore_conversations SET key = NULL, owner = NULL "
        "WHERE key = ? AND expires_at <= ?",
        (key, now),
    )
    epoch = _random()
    cursor = db.execute(
        "INSERT INTO chatstore_conversations (key, epoch, next_position, length, revision, "
        "created_at, updated_at, is_created, owner, title, metadata) "
        "VALUES (?, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?)",
        (key, epoch, now, now, record.is_created, record.owner, record.title, record.metadata),
    )
    return Head(int(cursor.lastrowid or 0), epoch, 0, 0, 0)


def save(db: sqlite3.Connection, head: Head, moment: Moment) -> None:
    """Write a changed head, with a new revision."""
    db.execute(
        "UPDATE chatstore_conversations SET epoch = ?, next_position = ?, length = ?, "
        "revision = ?, updated_at = max(updated_at, ?), expires_at = ? WHERE id = ?",
        (*head[1:4], _random(), moment.now, moment.expires_at, head.id),
    )


def drop_if_spent(db: sqlite3.Connection, head: Head) -> None:
    """Delete a conversation without messages whose record does not outlast them."""
    if not head.length and not conversation_rows.read(db, head.id).record.outlasts_messages:
        drop(db, head.id)


def drop(db: sqlite3.Connection, conversation: int) -> None:
    """Delete a conversation and its messages."""
    db.execute("DELETE FROM chatstore_messages WHERE conversation = ?", (conversation,))
    db.execute("DELETE FROM chatstore_conversations WHERE id = ?", (conversation,))


def with_new_epoch(head: Head) -> Head:
    """Return a head for other positions; conversations of the same key never share an epoch."""
    return head._replace(epoch=_random())


def contradiction(head: Head) -> CorruptStoreError:
    """Return the error for a conversation whose head and messages contradict each other."""
    return CorruptStoreError(
        f"the parts of a conversation do not agree: it should have {head.length} messages, and "
        "some are missing or damaged; restore a backup, or delete the conversation"
    )


def _random() -> int:
    """Return an epoch or a revision that never repeats."""
    return secrets.randbits(62)
