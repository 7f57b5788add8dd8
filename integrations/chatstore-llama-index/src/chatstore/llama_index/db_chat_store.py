"""``LlamaIndexDBChatStore``: any store for LlamaIndex's ``Memory``."""

from __future__ import annotations

from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store.base_db import AsyncDBChatStore, MessageStatus

from chatstore.core import ChatMessage as StoredMessage
from chatstore.core import ChatStore
from chatstore.core.checks import check_count
from chatstore.core.store import check_store
from chatstore.llama_index.messages import to_llama_index, to_messages

_MARKER = "\x1farchived"
"""Appended to a conversation's key: the conversation that names its last archived message."""


class LlamaIndexDBChatStore(AsyncDBChatStore):
    """A store for LlamaIndex's ``Memory``: ``Memory.from_defaults(chat_store=…)``.

    Messages that ``Memory`` archives stay in place. A marker, which is a conversation of one
    message, names the last archived message, so archiving is one write. Keys of markers are not
    listed. Methods also raise what the store's methods raise.
    """

    _store: ChatStore = PrivateAttr()

    def __init__(self, store: ChatStore) -> None:
        """Use a store, which is never closed.

        Raises:
            InvalidArgumentError: `store` is not a `ChatStore`.

        """
        super().__init__()
        self._store = check_store(store)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the store, or raise what it raises; LlamaIndex would omit it."""
        return (type(self), (self._store,))

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex writes; it does not write the store's content."""
        return "LlamaIndexDBChatStore"

    async def get_messages(
        self,
        key: str,
        status: MessageStatus | None = MessageStatus.ACTIVE,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[ChatMessage]:
        """Return the messages of a status, oldest first.

        Args:
            key: The conversation.
            status: ``None``: all messages.
            limit: The most messages to return.
            offset: How many of the oldest messages to skip.

        """
        start = offset or 0
        end = None if limit is None else start + limit
        return to_llama_index((await self._messages(key, status))[start:end])

    async def count_messages(
        self, key: str, status: MessageStatus | None = MessageStatus.ACTIVE
    ) -> int:
        """Return the number of messages of a status; ``None``: of all messages."""
        if status is None:
            return await self._store.async_count_messages(key)
        return len(await self._messages(key, status))

    async def add_message(
        self, key: str, message: ChatMessage, status: MessageStatus = MessageStatus.ACTIVE
    ) -> None:
        """Append a message; an archived one is inserted behind the last archived message."""
        await self.add_messages(key, [message], status)

    async def add_messages(
        self,
        key: str,
        messages: list[ChatMessage],
        status: MessageStatus = MessageStatus.ACTIVE,
    ) -> None:
        """Append messages; archived ones are inserted behind the last archived message."""
        if status is MessageStatus.ACTIVE:
            await self._store.async_add_messages(key, to_messages(messages))
            return
        for message in to_messages(messages):
            count = len(await self._messages(key, MessageStatus.ARCHIVED))
            await self._store.async_add_message(key, message, count)
            [*_, last] = (await self._store.async_get_messages(key))[: count + 1]
            await self._archive_through(key, last)

    async def set_messages(
        self,
        key: str,
        messages: list[ChatMessage],
        status: MessageStatus = MessageStatus.ACTIVE,
    ) -> None:
        """Replace the conversation, including messages of the other status."""
        await self._store.async_set_messages(key, to_messages(messages))
        if status is MessageStatus.ARCHIVED and messages:
            [last] = await self._store.async_get_messages(key, last=1)
            await self._archive_through(key, last)
        else:
            await self._store.async_delete_messages(key + _MARKER)

    async def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Remove the message at an index among all messages, from 0, and return it."""
        removed = await self._store.async_delete_message(key, idx)
        if removed is None:
            return None
        if removed.id == await self._last_archived(key):
            index = idx if idx >= 0 else await self._store.async_count_messages(key) + 1 + idx
            before = (await self._store.async_get_messages(key))[:index]
            await self._archive_through(key, before[-1] if before else None)
        return to_llama_index([removed])[0]

    async def delete_messages(self, key: str, status: MessageStatus | None = None) -> None:
        """Delete the messages of a status; ``None``: the conversation."""
        remaining: list[StoredMessage] = []
        if status is not None:
            [other] = set(MessageStatus) - {status}
            remaining = await self._messages(key, other)
        await self._store.async_set_messages(key, remaining)
        if status is not MessageStatus.ACTIVE:
            await self._store.async_delete_messages(key + _MARKER)

    async def delete_oldest_messages(self, key: str, n: int) -> list[ChatMessage]:
        """Remove at most ``n`` of the oldest active messages, and return them.

        Raises:
            InvalidArgumentError: ``n`` is not an integer of at least 0.

        """
        count = check_count(n, "n")
        archived = len(await self._messages(key, MessageStatus.ARCHIVED))
        removed: list[StoredMessage] = []
        while len(removed) < count:
            message = await self._store.async_delete_message(key, archived)
            if message is None:
                break
            removed.append(message)
        return to_llama_index(removed)

    async def archive_oldest_messages(self, key: str, n: int) -> list[ChatMessage]:
        """Archive at most ``n`` of the oldest active messages, and return them.

        Raises:
            InvalidArgumentError: ``n`` is not an integer of at least 0.

        """
        count = check_count(n, "n")
        oldest = (await self._messages(key, MessageStatus.ACTIVE))[:count]
        if oldest:
            await self._archive_through(key, oldest[-1])
        return to_llama_index(oldest)

    async def get_keys(self) -> list[str]:
        """Return the keys of all conversations, in any order."""
        return [key for key in await self._store.async_get_keys() if not key.endswith(_MARKER)]

    async def _messages(self, key: str, status: MessageStatus | None) -> list[StoredMessage]:
        last = None if status is None else await self._last_archived(key)
        if status is MessageStatus.ARCHIVED and last is None:
            return []
        if last is None:
            return await self._store.async_get_messages(key)
        if status is MessageStatus.ACTIVE:
            active: list[StoredMessage] = []
            async for message in self._store.async_iter_messages(key, reverse=True):
                if message.id == last:
                    break
                active.append(message)
            return active[::-1]
        messages = await self._store.async_get_messages(key)
        ends = [number for number, message in enumerate(messages, 1) if message.id == last]
        return messages[: ends[0]] if ends else []

    async def _last_archived(self, key: str) -> str | None:
        """Return the id of the last archived message."""
        markers = await self._store.async_get_messages(key + _MARKER, last=1)
        return str(markers[0].content) if markers else None

    async def _archive_through(self, key: str, message: StoredMessage | None) -> None:
        """Make a message the last archived one; ``None``: archive nothing."""
        markers = [] if message is None else [StoredMessage(role="system", content=message.id)]
        await self._store.async_set_messages(key + _MARKER, markers)
