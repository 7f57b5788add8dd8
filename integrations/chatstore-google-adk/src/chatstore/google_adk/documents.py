"""JSON objects in a store that are changed by compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chatstore.core import (
    ChatStore,
    ConversationExistsError,
    CorruptStoreError,
    RevisionConflictError,
)
from chatstore.core.documents import from_document, to_document


class Document(NamedTuple):
    """A document at one moment.

    Attributes:
        value: The JSON object; empty if there is no document.
        revision: The revision to write over; ``None``: there is no document.

    """

    value: dict[str, Any]
    revision: str | None


async def read_document(store: ChatStore, key: str) -> Document:
    """Return a document.

    Raises:
        CorruptStoreError: There is something else under this key.

    """
    snapshot = await store.async_snapshot(key)
    if snapshot.conversation is None:
        return Document({}, None)
    value = from_document(snapshot.messages[0]) if snapshot.messages else {}
    if not isinstance(value, dict):
        raise CorruptStoreError("a document does not hold a JSON object")
    return Document(value, snapshot.conversation.revision)


async def write_document(
    store: ChatStore, key: str, value: Mapping[str, Any], revision: str | None
) -> bool:
    """Write a document, unless it has another revision now; return whether it was written.

    Raises:
        pydantic.ValidationError: The value is not JSON.
        MessageTooLargeError: The value exceeds the store's limit.

    """
    try:
        if revision is None:
            revision = (await store.async_create_conversation(key)).revision
        await store.async_put_message(key, to_document(dict(value)), expected_revision=revision)
    except (ConversationExistsError, RevisionConflictError):
        return False
    return True
