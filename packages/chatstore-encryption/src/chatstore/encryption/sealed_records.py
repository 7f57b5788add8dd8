"""The text that is encrypted for a conversation's record."""

from __future__ import annotations

from typing import NamedTuple

from pydantic_core import from_json, to_json

from chatstore.core.backend import ConversationRecord
from chatstore.core.errors import CorruptStoreError


class SealedRecord(NamedTuple):
    """What an envelope keeps of a conversation.

    Attributes:
        key: The conversation's key.
        owner: Its owner.
        title: Its title.
        metadata: Its metadata as JSON text.

    """

    key: str
    owner: str | None
    title: str | None
    metadata: str | None


def dump_record(key: str, record: ConversationRecord) -> str:
    """Return the text of a record."""
    return to_json([key, record.owner, record.title, record.metadata]).decode()


def load_record(text: str) -> SealedRecord:
    """Return the record of a text.

    Raises:
        CorruptStoreError: `dump_record` did not return the text.

    """
    try:
        return SealedRecord(*from_json(text))
    except (ValueError, TypeError):
        raise CorruptStoreError("the record of a conversation cannot be read") from None
