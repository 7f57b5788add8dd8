"""``LlamaIndexChatStore``: any store as LlamaIndex's ``BaseChatStore``."""

from __future__ import annotations

import warnings
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.memory.types import DEFAULT_CHAT_STORE_KEY
from llama_index.core.storage.chat_store import BaseChatStore
from llama_index.core.storage.chat_store.loading import RECOGNIZED_CHAT_STORES
from pydantic import SerializationInfo, SerializerFunctionWrapHandler, model_serializer
from typing_extensions import Self

from chatstore.core import ChatMessage as StoredMessage
from chatstore.core import ChatStore, SimpleChatStore
from chatstore.core.store import check_store
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.serialization import dump_store, load_store


class SharedConversationWarning(UserWarning):
    """A conversation has LlamaIndex's default key, so that all users may share it."""


class LlamaIndexChatStore(BaseChatStore):
    """A store for LlamaIndex's ``ChatMemoryBuffer``, chat engines and agents.

    The async methods call the store's async methods. Methods also raise what the store's methods
    raise; those that write raise `InvalidMessageError` if JSON cannot hold a message.
    """

    _store: ChatStore = PrivateAttr()
    _has_warned: bool = PrivateAttr(default=False)

    def __init__(self, store: ChatStore) -> None:
        """Use a store, which is never closed.

        Raises:
            InvalidArgumentError: `store` is not a `ChatStore`.

        """
        super().__init__()
        self._store = check_store(store)

    @classmethod
    def class_name(cls) -> str:
        """Return the name by which LlamaIndex restores this class."""
        return "LlamaIndexChatStore"

    @model_serializer(mode="wrap")
    def custom_model_dump(
        self,
        handler: SerializerFunctionWrapHandler,  # noqa: ARG002 - LlamaIndex's signature
        info: SerializationInfo,  # noqa: ARG002 - LlamaIndex's signature
    ) -> dict[str, Any]:
        """Return all messages of a store in memory, or the name of a registered store."""
        return {"class_name": self.class_name(), **dump_store(self._store)}

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """Restore what `to_dict` returned.

        Args:
            data: What `to_dict` returned.
            kwargs: Not accepted; LlamaIndex's signature has them.

        Raises:
            TypeError: An argument is unknown.
            InvalidArgumentError: The store's name is not registered in this process, or the data
                are not what `to_dict` returned.

        """
        if kwargs:
            raise TypeError(f"unexpected arguments: {', '.join(kwargs)}")
        return cls(load_store(data))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the store, or raise what it raises; LlamaIndex would omit it."""
        return (type(self), (self._store,))

    @property
    def store(self) -> ChatStore:
        """Return the store."""
        return self._store

    def set_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Replace the conversation; an empty list deletes it."""
        self._check_default_key(key)
        self._store.set_messages(key, to_messages(messages))

    async def aset_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Like `set_messages`, but awaitable."""
        self._check_default_key(key)
        await self._store.async_set_messages(key, to_messages(messages))

    def get_messages(self, key: str) -> list[ChatMessage]:
        """Return the messages, oldest first; ``[]`` for a missing key."""
        return to_llama_index(self._store.get_messages(key))

    async def aget_messages(self, key: str) -> list[ChatMessage]:
        """Like `get_messages`, but awaitable."""
        return to_llama_index(await self._store.async_get_messages(key))

    def add_message(self, key: str, message: ChatMessage, idx: int | None = None) -> None:
        """Append a message, or insert it before index ``idx`` as ``list.insert`` does."""
        self._check_default_key(key)
        [stored] = to_messages([message])
        self._store.add_message(key, stored, idx)

    async def async_add_message(
        self, key: str, message: ChatMessage, idx: int | None = None
    ) -> None:
        """Like `add_message`, but awaitable."""
        self._check_default_key(key)
        [stored] = to_messages([message])
        await self._store.async_add_message(key, stored, idx)

    def delete_messages(self, key: str) -> None:
        """Delete the conversation without reading it, and return ``None``."""
        self._store.delete_messages(key)

    async def adelete_messages(self, key: str) -> None:
        """Like `delete_messages`, but awaitable."""
        await self._store.async_delete_messages(key)

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Remove the message at an index and return it; ``None`` if there is no such message.

        Indexes count from 0; negative ones count from the end.
        """
        return _first(self._store.delete_message(key, idx))

    async def adelete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Like `delete_message`, but awaitable."""
        return _first(await self._store.async_delete_message(key, idx))

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Remove the newest message and return it; ``None`` for an empty conversation."""
        return _first(self._store.delete_last_message(key))

    async def adelete_last_message(self, key: str) -> ChatMessage | None:
        """Like `delete_last_message`, but awaitable."""
        return _first(await self._store.async_delete_last_message(key))

    def get_keys(self) -> list[str]:
        """Return the keys of all conversations, in any order."""
        return self._store.get_keys()

    async def aget_keys(self) -> list[str]:
        """Like `get_keys`, but awaitable."""
        return await self._store.async_get_keys()

    def _check_default_key(self, key: str) -> None:
        """Warn once about the key that LlamaIndex uses by default."""
        if key != DEFAULT_CHAT_STORE_KEY or self._has_warned:
            return
        if not isinstance(self._store, SimpleChatStore):
            self._has_warned = True
            message = (
                f"the key is {key!r}, LlamaIndex's default: all users without a chat_store_key "
                "share one conversation of this store"
            )
            warnings.warn(message, SharedConversationWarning, stacklevel=3)


def _first(message: StoredMessage | None) -> ChatMessage | None:
    return None if message is None else next(iter(to_llama_index([message])), None)


# LlamaIndex looks up the class of a memory's store here.
RECOGNIZED_CHAT_STORES[LlamaIndexChatStore.class_name()] = LlamaIndexChatStore  # type: ignore[assignment]
