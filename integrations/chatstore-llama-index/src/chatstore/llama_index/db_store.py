"""``LlamaIndexDBChatStore``: any store for LlamaIndex's ``Memory``."""

from __future__ import annotations

from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store.base_db import AsyncDBChatStore, MessageStatus

from chatstore.core import ChatMessage as StoredMessage
from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.registry import check_store

_MARK = "\x1farchived"
"""Behind a conversation's key: the conversation that tells how far it is archived."""


class LlamaIndexDBChatStore(AsyncDBChatStore):
    """Gives any store to LlamaIndex's ``Memory``: ``Memory.from_defaults(chat_store=…)``.

    What ``Memory`` archives stays where it is. A conversation of its own, of one message, names
    the last archived one; so archiving is one write, and nothing is moved or lost. Such keys are
    not listed. Every method raises what the store's raises.
    """

    _store: ChatStore = PrivateAttr()

    def __init__(self, store: ChatStore) -> None:
        """Take a store, which stays the caller's to close.

        Raises:
            InvalidArgumentError: `store` is not a `ChatStore`.

        """
        super().__init__()
        self._store = check_store(store, "store")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the store, or raise what it raises; LlamaIndex would leave it out."""
        return (type(self), (self._store,))

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex writes; what the store holds is not written."""
        return "LlamaIndexDBChatStore"

    async def get_messages(
        self,
        key: str,
        status: MessageStatus | None = MessageStatus.ACTIVE,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[ChatMessage]:
        """Return the messages of a status, or all of them, oldest first.

        Args:
            key: The conversation.
            status: ``None`` for all messages.
            limit: The most messages to return.
            offset: How many of the oldest to leave out.

        """
        start = offset or 0
        end = None if limit is None else start + limit
        return to_llama_index((await self._messages(key, status))[start:end])

    async def count_messages(
        self, key: str, status: MessageStatus | None = MessageStatus.ACTIVE
    ) -> int:
        """Return how many messages of a status there are."""
        if status is None:
            return await self._store.async_count_messages(key)
        return len(await self._messages(key, status))

    async def add_message(
        self, key: str, message: ChatMessage, status: MessageStatus = MessageStatus.ACTIVE
    ) -> None:
        """Append a message; an archived one goes behind the last that is archived."""
        await self.add_messages(key, [message], status)

    async def add_messages(
        self,
        key: str,
        messages: list[ChatMessage],
        status: MessageStatus = MessageStatus.ACTIVE,
    ) -> None:
        """Append messages; archived ones go behind the last that is archived."""
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
        """Replace the conversation, whatever the status of its messages was."""
        await self._store.async_set_messages(key, to_messages(messages))
        if status is MessageStatus.ARCHIVED and messages:
            [last] = await self._store.async_get_messages(key, last=1)
            await self._archive_through(key, last)
        else:
            await self._store.async_delete_messages(key + _MARK)

    async def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Remove the message at an index among all, from 0, and return it."""
        removed = await self._store.async_delete_message(key, idx)
        if removed is None:
            return None
        if removed.id == await self._last_archived(key):
            place = idx if idx >= 0 else await self._store.async_count_messages(key) + 1 + idx
            before = (await self._store.async_get_messages(key))[:place]
            await self._archive_through(key, before[-1] if before else None)
        return to_llama_index([removed])[0]

    async def delete_messages(self, key: str, status: MessageStatus | None = None) -> None:
        """Forget the messages of a status, or the conversation."""
        kept: list[StoredMessage] = []
        if status is not None:
            [other] = set(MessageStatus) - {status}
            kept = await self._messages(key, other)
        await self._store.async_set_messages(key, kept)
        if status is not MessageStatus.ACTIVE:
            await self._store.async_delete_messages(key + _MARK)

    async def delete_oldest_messages(self, key: str, n: int) -> list[ChatMessage]:
        """Remove the oldest active messages, at most so many, and return them."""
        archived = len(await self._messages(key, MessageStatus.ARCHIVED))
        removed: list[StoredMessage] = []
        while len(removed) < _checked(n):
            message = await self._store.async_delete_message(key, archived)
            if message is None:
                break
            removed.append(message)
        return to_llama_index(removed)

    async def archive_oldest_messages(self, key: str, n: int) -> list[ChatMessage]:
        """Archive the oldest active messages, at most so many, and return them."""
        oldest = (await self._messages(key, MessageStatus.ACTIVE))[: _checked(n)]
        if oldest:
            await self._archive_through(key, oldest[-1])
        return to_llama_index(oldest)

    async def get_keys(self) -> list[str]:
        """Return the keys of all conversations, in no set order."""
        return [key for key in await self._store.async_get_keys() if not key.endswith(_MARK)]

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
        ends = [place for place, message in enumerate(messages, 1) if message.id == last]
        return messages[: ends[0]] if ends else []

    async def _last_archived(self, key: str) -> str | None:
        marks = await self._store.async_get_messages(key + _MARK, last=1)
        return str(marks[0].content) if marks else None

    async def _archive_through(self, key: str, message: StoredMessage | None) -> None:
        marks = [] if message is None else [StoredMessage(role="system", content=message.id)]
        await self._store.async_set_messages(key + _MARK, marks)


def _checked(count: int) -> int:
    if count < 0:
        raise InvalidArgumentError("a number of messages must not be negative")
    return count
