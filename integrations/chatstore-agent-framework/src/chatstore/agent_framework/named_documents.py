"""``NamedDocuments``: JSON objects beside the conversations, under keys of several names."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ConversationExistsError,
    CorruptStoreError,
    InvalidMessageError,
    RevisionConflictError,
)
from chatstore.core.documents import DOCUMENT_ID, from_document, to_document
from chatstore.core.keys import join_key
from chatstore.core.store import check_store

_ROOT = "agent_framework"


class NamedDocuments:
    """Keeps documents of a kind in a store."""

    def __init__(self, store: ChatStore, kind: str) -> None:
        """Keep documents of a kind, whose name is a part of their keys."""
        self.store = check_store(store)
        self._kind = kind

    def key_for(self, *names: str) -> str:
        """Return the key of a document; it has at least three names, unlike a history's."""
        return join_key(_ROOT, self._kind, *names)

    @property
    def prefix(self) -> str:
        """The beginning of all keys of this kind."""
        # `join_key` shortens the longest names first, so these two stay as they are.
        return join_key(_ROOT, self._kind) + "/"

    async def get(self, key: str) -> dict[str, Any] | None:
        """Return a document; ``None`` if it is missing.

        Raises:
            CorruptStoreError: There is something else under this key.

        """
        message = await self.store.async_get_message(key, DOCUMENT_ID)
        if message is None:
            return None
        value = from_document(message)
        if not isinstance(value, dict):
            raise CorruptStoreError("a document does not hold a JSON object")
        return value

    async def put(
        self, key: str, value: dict[str, Any], *, advice: str, owner: str | None = None
    ) -> None:
        """Write a document; another one under the key is replaced.

        Args:
            key: The document's key.
            value: The document.
            advice: The error's message if ``value`` is not JSON.
            owner: The owner of a new document's conversation.

        Raises:
            InvalidMessageError: ``value`` is not JSON.

        """
        message = _document(value, advice)
        if owner is None:
            await self.store.async_put_message(key, message)
            return
        while True:
            conversation = await self.store.async_get_conversation(key)
            try:
                if conversation is None:
                    conversation = await self.store.async_create_conversation(key, owner=owner)
                await self.store.async_put_message(
                    key, message, expected_revision=conversation.revision
                )
            except (ConversationExistsError, RevisionConflictError):
                continue  # another client wrote or deleted it since it was read
            return

    async def delete(self, key: str) -> bool:
        """Delete a document, and return whether there was one."""
        while True:
            conversation = await self.store.async_get_conversation(key)
            if conversation is None:
                return False
            try:
                await self.store.async_delete_messages(key, expected_revision=conversation.revision)
            except RevisionConflictError:
                continue  # another client wrote or deleted it since it was read
            return True


def _document(value: dict[str, Any], advice: str) -> ChatMessage:
    try:
        return to_document(value)
    except ValidationError:
        pass
    raise InvalidMessageError(advice)  # outside: the cause quotes the value
