"""What the rows of statements mean, and how values are sent."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from chatstore.core import CorruptStoreError
from chatstore.core.backend import (
    ConversationRecord,
    Existing,
    Page,
    Record,
    StoredConversation,
    StoredRecords,
)
from chatstore.postgres.sql.rendering import Rows

CHUNK_CHARACTERS = 16 * 2**20
"""The most characters of bodies in one statement; a value in Postgres has at most 1 GB."""
_UNKNOWN_REVISION = -1  # not a revision of any conversation
_MESSAGE_COLUMNS = 5
_EFFECT_VALUES = 4


class Request(NamedTuple):
    """A write whose effect the database remembers.

    Attributes:
        id: The same whenever the write is repeated.
        revision: The conversation's revision after it.

    """

    id: UUID
    revision: int


def new_request() -> Request:
    """Return a request with a new id."""
    return Request(uuid4(), new_request_id())


def new_request_id() -> int:
    """Return a unique number above 0; a program that seeds the global generator has no effect."""
    return (int.from_bytes(os.urandom(8), "big") >> 1) or 1


def revision_text(number: int | None) -> str | None:
    """Return a stored revision as callers see it; ``None``: there is not a conversation.

    A transaction that begins a conversation gives it the revision 0 until it is written to.
    """
    return f"{number:x}" if number else None


def revision_number(text: str | None) -> int | None:
    """Return the number of an expected revision; ``None``: any."""
    if text is None:
        return None
    try:
        number = int(text, 16)
    except ValueError:
        return _UNKNOWN_REVISION
    return number if 0 < number < 2**63 and f"{number:x}" == text else _UNKNOWN_REVISION


def chunks_of(records: Sequence[Record]) -> list[Sequence[Record]]:
    """Divide records into parts that fit into one statement each."""
    chunks: list[Sequence[Record]] = []
    start = size = 0
    for number, record in enumerate(records):
        size += len(record.body)
        if number > start and size > CHUNK_CHARACTERS:
            chunks.append(records[start:number])
            start, size = number, len(record.body)
    return [*chunks, records[start:]]


def columns_of(records: Sequence[Record]) -> tuple[list[bytes], str]:
    """Return the ids, and the bodies as lines: JSON as core writes it has no line breaks."""
    return [record.id.encode() for record in records], "\n".join([r.body for r in records])


def record_columns(record: ConversationRecord) -> tuple[bytes | None, ...]:
    """Return the owner, the title and the metadata of a conversation as they are stored."""
    texts = (record.owner, record.title, record.metadata)
    return tuple(None if text is None else text.encode() for text in texts)


def decoded(stored: Any, what: str) -> str:
    """Return stored bytes as text.

    Raises:
        CorruptStoreError: They are not UTF-8.

    """
    try:
        return bytes(stored).decode()
    except (UnicodeDecodeError, TypeError):
        pass
    raise CorruptStoreError(f"a stored {what} is not UTF-8")  # the codec's error quotes the bytes


def existing_of(rows: Rows) -> list[Existing]:
    """Return the messages of rows that begin with an id, which may be null, and a body."""
    return [Existing(decoded(row[0], "message id"), row[1]) for row in rows if row[0] is not None]


def page_of(rows: Rows) -> Page:
    """Return the page of rows as the statements that read messages return them."""
    if not rows:
        return Page(None, [])
    epoch = (rows[0][0], rows[0][1])
    conversation = None
    if len(rows[0]) > _MESSAGE_COLUMNS:
        [columns] = [row[_MESSAGE_COLUMNS:] for row in rows if row[4] is None]
        conversation = conversation_of(columns)
    # They come in the index's order, but SQL does not guarantee it for a join.
    ordered = sorted([row[2:5] for row in rows if row[2] is not None], key=itemgetter(0))
    leading = [row for row in ordered if row[2]]
    newest = [row for row in ordered if not row[2]] if leading else ordered
    return Page(
        epoch,
        StoredRecords.from_rows(newest),
        StoredRecords.from_rows(leading),
        conversation,
    )


def conversation_of(columns: Sequence[Any]) -> StoredConversation:
    """Return the conversation of the columns that the fragment ``conversation`` selects.

    Raises:
        CorruptStoreError: They are damaged.

    """
    owner, title, metadata, is_created, *times, length, revision = columns
    record = ConversationRecord(
        None if owner is None else decoded(owner, "owner"),
        None if title is None else decoded(title, "title"),
        None if metadata is None else decoded(metadata, "metadata"),
        is_created,
    )
    return _stored(record, times, length, revision)


def conversation_after(
    record: ConversationRecord, effect: Sequence[float | None], revision: int
) -> StoredConversation:
    """Return the conversation that a write has created or changed.

    Args:
        record: The conversation's record.
        effect: What the fragment ``effect`` selects.
        revision: The revision of the write.

    Raises:
        CorruptStoreError: The effect is damaged.

    """
    if len(effect) != _EFFECT_VALUES:
        raise CorruptStoreError("the stored effect of a write is damaged")
    *times, length = effect
    return _stored(record, times, length, revision)


def _stored(
    record: ConversationRecord, times: Sequence[float | None], length: Any, revision: Any
) -> StoredConversation:
    created_at, updated_at, expires_at = times
    is_finite = all(time is None or math.isfinite(time) for time in times)
    if created_at is None or updated_at is None or not is_finite:
        raise CorruptStoreError("a stored conversation has an invalid time")
    text = revision_text(revision)
    if length is None or length < 0 or text is None or revision < 0:
        raise CorruptStoreError("a stored conversation has an invalid length or revision")
    return StoredConversation(record, created_at, updated_at, expires_at, int(length), text)
