"""``LlamaIndexChatStore``: any store as LlamaIndex's ``BaseChatStore``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store import BaseChatStore

from chatstore.core import ChatMessage as StoredMessage
from chatstore.core import ChatStore
from chatstore.llama_index.messages import to_llama_index, to_messages


class LlamaIndexChatStore(BaseChatStore):
    """Gives any store to LlamaIndex: its ``ChatMemoryBuffer``, chat engines and agents.

    The async methods wait for the store without a thread. Every method raises what the store's
    raises, and those that write `InvalidMessageError` for what JSON cannot hold.
    """

    _store: ChatStore = PrivateAttr()

    def __init__(self, store: ChatStore, **fields: Any) -> None:
        """Take a store, which stays the caller's to close."""
        super().__init__(**fields)
        self._store = store

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex writes; what the store holds is not written."""
        return "LlamaIndexChatStore"

    @property
    def store(self) -> ChatStore:
        """Return the store."""
        return self._store

    def set_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Replace the conversation; with no messages, forget it."""
        self._store.set_messages(key, to_messages(messages))

    async def aset_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Like `set_messages`, but awaitable."""
        await self._store.async_set_messages(key, to_messages(messages))

    def get_messages(self, key: str) -> list[ChatMessage]:
        """Return the messages, oldest first; none for a missing key."""
        return to_llama_index(self._store.get_messages(key))

    async def aget_messages(self, key: str) -> list[ChatMessage]:
        """Like `get_messages`, but awaitable."""
        return to_llama_index(await self._store.async_get_messages(key))

    def add_message(self, key: str, message: ChatMessage, idx: int | None = None) -> None:
        """Append a message, or insert it before index ``idx`` as ``list.insert`` does."""
        [stored] = to_messages([message])
        self._store.add_message(key, stored, idx)

    async def async_add_message(
        self, key: str, message: ChatMessage, idx: int | None = None
    ) -> None:
        """Like `add_message`, but awaitable."""
        [stored] = to_messages([message])
        await self._store.async_add_message(key, stored, idx)

    def delete_messages(self, key: str) -> None:
        """Forget the conversation. It is not read for that: what is returned is ``None``."""
        self._store.delete_messages(key)

    async def adelete_messages(self, key: str) -> None:
        """Like `delete_messages`, but awaitable."""
        await self._store.async_delete_messages(key)

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Remove the message at an index, from 0, and return it; ``None`` where there is none.

        Negative indexes count from the end.
        """
        return _one(self._store.delete_message(key, idx))

    async def adelete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Like `delete_message`, but awaitable."""
        return _one(await self._store.async_delete_message(key, idx))

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Remove the newest message and return it; ``None`` where there is none."""
        return _one(self._store.delete_last_message(key))

    async def adelete_last_message(self, key: str) -> ChatMessage | None:
        """Like `delete_last_message`, but awaitable."""
        return _one(await self._store.async_delete_last_message(key))

    def get_keys(self) -> list[str]:
        """Return the keys of all conversations, in no set order."""
        return self._store.get_keys()

    async def aget_keys(self) -> list[str]:
        """Like `get_keys`, but awaitable."""
        return await self._store.async_get_keys()


def _one(message: StoredMessage | None) -> ChatMessage | None:
    found: Iterable[ChatMessage] = () if message is None else to_llama_index([message])
    return next(iter(found), None)
