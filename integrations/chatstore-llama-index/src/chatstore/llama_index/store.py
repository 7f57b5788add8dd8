"""``LlamaIndexChatStore``: any store as LlamaIndex's ``BaseChatStore``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
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
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.registry import check_store
from chatstore.llama_index.saving import restored_store, saved_store


class SharedConversationWarning(UserWarning):
    """A store's conversation has LlamaIndex's default key, so that all users may share it."""


class LlamaIndexChatStore(BaseChatStore):
    """Gives any store to LlamaIndex: its ``ChatMemoryBuffer``, chat engines and agents.

    The async methods wait for the store without a thread. Every method raises what the store's
    raises, and those that write `InvalidMessageError` for what JSON cannot hold.
    """

    _store: ChatStore = PrivateAttr()
    _has_warned: bool = PrivateAttr(default=False)

    def __init__(self, store: ChatStore) -> None:
        """Take a store, which stays the caller's to close.

        Raises:
            InvalidArgumentError: `store` is not a `ChatStore`.

        """
        super().__init__()
        self._store = check_store(store, "store")

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex writes when it serializes."""
        return "LlamaIndexChatStore"

    @model_serializer(mode="wrap")
    def custom_model_dump(
        self,
        handler: SerializerFunctionWrapHandler,  # noqa: ARG002 - LlamaIndex's signature
        info: SerializationInfo,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return all messages of a store in memory, or the name of a registered store."""
        return {"class_name": self.class_name(), **saved_store(self._store)}

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """Restore what `to_dict` returned.

        Args:
            data: What `to_dict` returned.
            kwargs: Not accepted; LlamaIndex's signature has them.

        Raises:
            TypeError: An argument is not known.
            InvalidArgumentError: This process did not register the store's name, or the data are
                not what `to_dict` returned.

        """
        if kwargs:
            raise TypeError(f"unexpected arguments: {', '.join(kwargs)}")
        return cls(restored_store(data))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the store, or raise what it raises; LlamaIndex would leave it out."""
        return (type(self), (self._store,))

    @property
    def store(self) -> ChatStore:
        """Return the store."""
        return self._store

    def set_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Replace the conversation; with no messages, forget it."""
        self._check_default_key(key)
        self._store.set_messages(key, to_messages(messages))

    async def aset_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Like `set_messages`, but awaitable."""
        self._check_default_key(key)
        await self._store.async_set_messages(key, to_messages(messages))

    def get_messages(self, key: str) -> list[ChatMessage]:
        """Return the messages, oldest first; none for a missing key."""
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

    def _check_default_key(self, key: str) -> None:
        """Warn once about the key that LlamaIndex takes when the caller gives none."""
        if key != DEFAULT_CHAT_STORE_KEY or self._has_warned:
            return
        if not isinstance(self._store, SimpleChatStore):
            self._has_warned = True
            message = (
                f"the key is {key!r}, which LlamaIndex takes without a chat_store_key: all who "
                "leave it out share one conversation of this store"
            )
            warnings.warn(message, SharedConversationWarning, stacklevel=3)


def _one(message: StoredMessage | None) -> ChatMessage | None:
    found: Iterable[ChatMessage] = () if message is None else to_llama_index([message])
    return next(iter(found), None)


# LlamaIndex restores the stores of its memories by this table.
RECOGNIZED_CHAT_STORES[LlamaIndexChatStore.class_name()] = LlamaIndexChatStore  # type: ignore[assignment]
