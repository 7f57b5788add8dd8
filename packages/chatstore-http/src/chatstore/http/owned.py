"""``OwnedConversations``: the conversations of one owner, and no others."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from chatstore.core import (
    UNCHANGED,
    ChatMessage,
    ChatStore,
    Conversation,
    ConversationExistsError,
    ConversationNotFoundError,
    ConversationPage,
    MessageNotFoundError,
    RevisionConflictError,
    StoreUnavailableError,
)
from chatstore.core.checks import check_message_id, check_owner
from chatstore.core.store import check_store
from chatstore.core.unchanged import Unchanged

T = TypeVar("T")

_ATTEMPTS = 100  # each failure is another client's successful write
_LONGEST_PAUSE = 0.1
_KEY_BYTES = 16


class OwnedConversations:
    """The conversations that one owner has in a store.

    Every method answers for another owner's conversation as for a missing one: it raises
    `ConversationNotFoundError`. Writes take effect only while the owner has the conversation: one
    that is deleted or given to another owner before the write is neither written nor begun again.
    Messages are read from the store, after `get`.

    ``revisions`` of a write are those that the conversation may have; ``None``: any. Otherwise
    `RevisionConflictError` is raised, and nothing is written.
    """

    def __init__(self, store: ChatStore, owner: str) -> None:
        """Take a store and an owner.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`, or ``owner`` is not a string of 1
                to 255 bytes in UTF-8.

        """
        self._store = check_store(store)
        self.owner = check_owner(owner)

    async def page(self, *, limit: int = 50, cursor: str | None = None) -> ConversationPage:
        """Return a page of the owner's conversations, newest first."""
        return await self._store.async_list_conversations(
            owner=self.owner, limit=limit, cursor=cursor
        )

    async def create(
        self,
        *,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> Conversation:
        """Create a conversation under a key that the server makes.

        Args:
            title: At most 1,000 characters.
            metadata: A JSON object of at most 16 KB.
            request_id: A repeated call with the same one returns the same conversation.

        """

        async def create(key: str) -> Conversation:
            return await self._store.async_create_conversation(
                key, owner=self.owner, title=title, metadata=metadata
            )

        return await self._create(create, "create", request_id)

    async def get(self, key: str) -> Conversation:
        """Return the record of a conversation."""
        conversation = await self._store.async_get_conversation(key)
        if conversation is None or conversation.owner != self.owner:
            raise ConversationNotFoundError("there is no conversation with this key")
        return conversation

    async def update(
        self,
        key: str,
        *,
        title: str | Unchanged | None = UNCHANGED,
        metadata: Mapping[str, Any] | Unchanged = UNCHANGED,
        revisions: Collection[str] | None = None,
    ) -> Conversation:
        """Change the title or names of the metadata; return the record."""

        async def update(revision: str) -> Conversation:
            return await self._store.async_update_conversation(
                key, title=title, metadata=metadata, expected_revision=revision
            )

        return await self._write(key, revisions, update)

    async def delete(self, key: str, *, revisions: Collection[str] | None = None) -> None:
        """Delete a conversation with its messages."""

        async def delete(revision: str) -> None:
            await self._store.async_delete_messages(key, expected_revision=revision)

        await self._write(key, revisions, delete)

    async def fork(
        self, key: str, *, until: str | None = None, request_id: str | None = None
    ) -> Conversation:
        """Begin a conversation with the messages of another one, up to and including ``until``.

        Its key is made as that of `create`.
        """
        await self.get(key)

        async def fork(new_key: str) -> Conversation:
            # The fork has the owner that the source has when it is read.
            made = await self._store.async_fork(key, new_key, until=until)
            if made.owner == self.owner:
                return made
            await self._store.async_delete_messages(new_key)
            raise ConversationNotFoundError("there is no conversation with this key")

        return await self._create(fork, f"fork:{key}:{until}", request_id)

    async def add_messages(
        self, key: str, messages: Sequence[ChatMessage], *, revisions: Collection[str] | None = None
    ) -> None:
        """Append messages, as `ChatStore.add_messages` does."""

        async def add(revision: str) -> None:
            await self._store.async_add_messages(key, messages, expected_revision=revision)

        await self._write(key, revisions, add)

    async def put_message(
        self, key: str, message: ChatMessage, *, revisions: Collection[str] | None = None
    ) -> None:
        """Replace the message with the same id, or append it."""

        async def put(revision: str) -> None:
            await self._store.async_put_message(key, message, expected_revision=revision)

        await self._write(key, revisions, put)

    async def change_message(
        self,
        key: str,
        message_id: str,
        change: Callable[[ChatMessage], ChatMessage],
        *,
        revisions: Collection[str] | None = None,
    ) -> ChatMessage:
        """Replace a message by what a function makes of it, and return that.

        Raises:
            MessageNotFoundError: The conversation does not have the message.

        """

        async def replace(revision: str) -> ChatMessage:
            changed = change(await self._get_message(key, message_id))
            await self._store.async_put_message(key, changed, expected_revision=revision)
            return changed

        return await self._write(key, revisions, replace)

    async def remove_message(
        self, key: str, message_id: str, *, revisions: Collection[str] | None = None
    ) -> ChatMessage:
        """Remove a message and return it.

        Raises:
            MessageNotFoundError: The conversation does not have the message.

        """

        async def remove(revision: str) -> ChatMessage:
            removed = await self._store.async_remove_message(
                key, message_id, expected_revision=revision
            )
            if removed is None:
                raise MessageNotFoundError("the conversation has no message with this id")
            return removed

        return await self._write(key, revisions, remove)

    async def truncate(
        self, key: str, *, from_id: str, revisions: Collection[str] | None = None
    ) -> int:
        """Remove a message and all later ones; return their number.

        Raises:
            MessageNotFoundError: The conversation does not have the message.

        """

        async def truncate(revision: str) -> int:
            return await self._store.async_truncate(
                key, from_id=from_id, expected_revision=revision
            )

        return await self._write(key, revisions, truncate)

    async def _get_message(self, key: str, message_id: str) -> ChatMessage:
        message = await self._store.async_get_message(key, check_message_id(message_id))
        if message is None:
            raise MessageNotFoundError("the conversation has no message with this id")
        return message

    async def _create(
        self,
        create: Callable[[str], Awaitable[Conversation]],
        action: str,
        request_id: str | None,
    ) -> Conversation:
        if request_id is not None:
            # The owner is part of the digest, so nobody can choose the key of another owner.
            parts = json.dumps([self.owner, action, request_id])
            key = hashlib.sha256(parts.encode()).hexdigest()[: 2 * _KEY_BYTES]
            try:
                return await create(key)
            except ConversationExistsError:
                existing = await self._store.async_get_conversation(key)
            if existing is not None and existing.owner == self.owner:
                return existing
        return await create(secrets.token_hex(_KEY_BYTES))

    async def _write(
        self,
        key: str,
        revisions: Collection[str] | None,
        write: Callable[[str], Awaitable[T]],
    ) -> T:
        """Write to the revision at which the owner was checked, so that both are one step."""
        for attempt in range(_ATTEMPTS):
            current = (await self.get(key)).revision
            try:
                return await write(_expected(current, revisions))
            except RevisionConflictError:
                if revisions is not None:
                    raise
            await asyncio.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.001 * 2**attempt)))
        raise StoreUnavailableError(
            f"another client wrote first in each of {_ATTEMPTS} attempts; try again"
        )


def _expected(current: str, revisions: Collection[str] | None) -> str:
    if revisions is None or current in revisions:
        return current
    if not revisions:
        raise RevisionConflictError(current)
    # The store compares it: an append that took effect before succeeds again.
    return min(revisions)
