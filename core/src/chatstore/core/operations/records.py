"""Conversions between what backends store and what callers see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from chatstore.core import codec
from chatstore.core.backend.conversations import StoredConversation
from chatstore.core.backend.records import Record, StoredRecord
from chatstore.core.conversations import Conversation
from chatstore.core.metadata import load_metadata


def conversation_of(key: str, stored: StoredConversation) -> Conversation:
    """Return a stored conversation as callers see it.

    Raises:
        CorruptStoreError: Its metadata cannot be read.

    """
    record = stored.record
    return Conversation(
        key=key,
        owner=record.owner,
        title=record.title,
        metadata=load_metadata(record.metadata),
        created_at=_time(stored.created_at),
        updated_at=_time(stored.updated_at),
        expires_at=None if stored.expires_at is None else _time(stored.expires_at),
        length=stored.length,
        revision=stored.revision,
    )


def forked_records(key: str, records: Sequence[StoredRecord]) -> list[Record]:
    """Return stored records as new ones, with the same ids and bodies.

    Raises:
        CorruptMessageError: One of them cannot be read.

    """
    messages = codec.decode_all(key, records)
    return [
        Record(message.id or codec.new_id(), record.body)
        for message, record in zip(messages, records, strict=True)
    ]


def _time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):  # a ttl of thousands of years
        return datetime.max.replace(tzinfo=timezone.utc)
