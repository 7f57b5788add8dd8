"""The record of a conversation: in the head, or its title and metadata in a record of their own.

Each append writes the head, so that it must stay small.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.head import Head
from chatstore.conditional.lookup import OutdatedError
from chatstore.conditional.names import details_id
from chatstore.core import CorruptStoreError
from chatstore.core.backend import ConversationRecord, Plan, StoredConversation

C = TypeVar("C")
MAX_IN_HEAD = 300
"""The most bytes of a title and metadata that a head holds."""


def with_record(
    database: Database[C], head: Head, record: ConversationRecord
) -> tuple[Head, dict[str, str]]:
    """Return a head with a conversation's record, and what is stored besides.

    Args:
        database: The database.
        head: The head.
        record: The record.

    """
    text = json.dumps([record.title, record.metadata], separators=(",", ":"), ensure_ascii=False)
    is_short = len(text.encode()) <= MAX_IN_HEAD
    if is_short or database.weigh(text) > database.limits.record_bytes:
        return head._replace(record=record, details=None), {}
    number = head.next_node
    short = record._replace(title=None, metadata=None)
    head = head._replace(record=short, details=number, next_node=number + 1)
    return head, {details_id(head.stream, number): text}


def read_record(database: Database[C], key: str, head: Head) -> Plan[C, ConversationRecord]:
    """Return the record of a conversation.

    Raises:
        OutdatedError: A part of it is missing.
        CorruptStoreError: A part of it cannot be read.

    """
    if head.details is None:
        return head.record
    name = details_id(head.stream, head.details)
    records = yield from database.read_records(key, [name])
    if name not in records:
        raise OutdatedError(
            CorruptStoreError("the title and metadata of a conversation are missing")
        )
    title, metadata = _load(records[name])
    return head.record._replace(title=title, metadata=metadata)


def stored_conversation(database: Database[C], key: str, head: Head) -> Plan[C, StoredConversation]:
    """Return a conversation without its messages; see `read_record`."""
    return conversation_of(head, (yield from read_record(database, key, head)))


def conversation_of(head: Head, record: ConversationRecord) -> StoredConversation:
    """Return a conversation with a head and a record."""
    written = head.written or 0.0
    return StoredConversation(
        record,
        written if head.created is None else head.created,
        written,
        None if head.lasts is None else written + head.lasts,
        head.length,
        head.revision,
    )


def _load(text: str) -> list[str | None]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    texts: list[Any] = values if isinstance(values, list) and len(values) == 2 else [0]
    if any(text is not None and not isinstance(text, str) for text in texts):
        raise CorruptStoreError("the title and metadata of a conversation cannot be read")
    return texts
