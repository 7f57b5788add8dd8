"""What callers stored about a conversation, in the conversation's row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from chatstore.core import CorruptStoreError
from chatstore.core.backend import ConversationRecord, StoredConversation

COLUMNS = "owner, title, metadata, is_created, created_at, updated_at, expires_at, length, revision"
"""What `parse` reads."""


def read(db: sqlite3.Connection, conversation: int) -> StoredConversation:
    """Read an existing conversation by the id of its row.

    Raises:
        CorruptStoreError: The row is damaged.

    """
    return parse(
        db.execute(
            f"SELECT {COLUMNS} FROM chatstore_conversations WHERE id = ?", (conversation,)
        ).fetchone()
    )


def parse(row: Sequence[Any]) -> StoredConversation:
    """Return the conversation of a row of `COLUMNS`.

    Raises:
        CorruptStoreError: The row is damaged.

    """
    owner, title, metadata, is_created, created_at, updated_at, expires_at, length, revision = row
    if (
        all(text is None or _is_text(text) for text in (owner, title, metadata))
        and is_created in {0, 1}
        and isinstance(created_at, float)
        and isinstance(updated_at, float)
        and (expires_at is None or isinstance(expires_at, float))
        and isinstance(length, int)
        and isinstance(revision, int)
    ):
        return StoredConversation(
            ConversationRecord(owner, title, metadata, bool(is_created)),
            created_at,
            updated_at,
            expires_at,
            length,
            str(revision),
        )
    raise CorruptStoreError(
        "the row of a conversation is damaged: a value has a wrong type; restore a backup, or "
        "delete the conversation"
    )


def _is_text(value: object) -> bool:
    """Return whether a value is text in UTF-8; connections read other bytes as surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
