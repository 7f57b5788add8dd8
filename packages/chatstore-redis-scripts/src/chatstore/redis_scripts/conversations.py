"""Conversations without their messages: as arguments of the scripts, and in their replies."""

from __future__ import annotations

from collections.abc import Sequence

from chatstore.core import CorruptStoreError
from chatstore.core.backend import ConversationRecord, StoredConversation


def record_arguments(record: ConversationRecord) -> list[str]:
    """Return a conversation's record as arguments of a script."""
    fields = (record.owner, record.title, record.metadata, record.index_entry)
    set_or_empty = ["" if field is None else f"={field}" for field in fields]
    return [*set_or_empty, "c" if record.is_created else ""]


def read_conversation(fields: Sequence[str | None]) -> StoredConversation | None:
    """Parse a script's reply: the state, owner, title, metadata and index entry.

    Raises:
        CorruptStoreError: A field is not text.

    """
    state, owner, title, metadata, entry = fields
    if state is None:
        return None
    try:
        "".join(field or "" for field in fields).encode()
    except UnicodeEncodeError:
        raise CorruptStoreError(
            "the record of a conversation is not UTF-8 text: another program wrote into the "
            "store's keys"
        ) from None
    record = ConversationRecord(owner, title, metadata, _is_created(state), entry)
    return conversation_of(state, record)


def conversation_of(state: str, record: ConversationRecord) -> StoredConversation:
    """Return a conversation from its state, which a script has checked, and its record."""
    _, _, _, _, length, _, revision, created_at, updated_at, expires_at, _, _ = state.split(" ")
    return StoredConversation(
        record,
        _seconds(created_at),
        _seconds(updated_at),
        None if expires_at == "0" else _seconds(expires_at),
        int(length),
        revision,
    )


def _is_created(state: str) -> bool:
    return "c" in state.rpartition(" ")[2]


def _seconds(milliseconds: str) -> float:
    return int(milliseconds) / 1000
