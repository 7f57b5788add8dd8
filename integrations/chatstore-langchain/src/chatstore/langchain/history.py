"""``ChatStoreMessageHistory``: a conversation of any store as LangChain's message history."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.checks import check_key
from chatstore.core.foreign import describe_store
from chatstore.langchain.messages import to_langchain, to_messages


class ChatStoreMessageHistory(BaseChatMessageHistory):
    """One conversation, for ``RunnableWithMessageHistory`` and whatever else takes a history.

    The async methods wait for the store without a thread. Every method raises what the store's
    raises.
    """

    def __init__(self, store: ChatStore, key: str) -> None:
        """Take a store, which stays the caller's to close; nothing is read yet.

        Args:
            store: Where the conversation is kept.
            key: Its key, such as LangChain's session id.

        Raises:
            InvalidArgumentError: The store is not a `ChatStore`.
            InvalidKeyError: The key is not a string of 1 to 255 bytes in UTF-8.

        """
        self.store = check_store(store)
        self.key = check_key(key)

    @property
    def messages(self) -> list[BaseMessage]:
        """All messages, oldest first; assigning to it is `replace_messages`."""
        return to_langchain(self.store.get_messages(self.key))

    @messages.setter
    def messages(  # pyright: ignore[reportIncompatibleVariableOverride]  # a field of LangChain's
        self, messages: Sequence[BaseMessage]
    ) -> None:
        self.replace_messages(messages)

    def replace_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Replace the conversation in one atomic step, such as by a shorter one.

        After `clear` and `add_messages` instead, a process that ends in between has lost it.

        Raises:
            InvalidMessageError: JSON cannot hold a message, or two have the same id.

        """
        self.store.set_messages(self.key, to_messages(messages))

    async def areplace_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Like `replace_messages`, but awaitable."""
        await self.store.async_set_messages(self.key, to_messages(messages))

    async def aget_messages(self) -> list[BaseMessage]:
        """Like `messages`, but awaitable."""
        return to_langchain(await self.store.async_get_messages(self.key))

    def add_message(self, message: BaseMessage) -> None:
        """Append a message; raises what `add_messages` raises."""
        self.add_messages([message])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages next to each other, all or none.

        A message whose id the conversation holds is not added again.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageConflictError: The conversation holds an id with other content.

        """
        self.store.add_messages(self.key, to_messages(messages))

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Like `add_messages`, but awaitable."""
        await self.store.async_add_messages(self.key, to_messages(messages))

    def clear(self) -> None:
        """Forget the conversation."""
        self.store.delete_messages(self.key)

    async def aclear(self) -> None:
        """Like `clear`, but awaitable."""
        await self.store.async_delete_messages(self.key)


def check_store(store: object) -> ChatStore:
    """Return a store.

    Raises:
        InvalidArgumentError: It is not a `ChatStore`.

    """
    if not isinstance(store, ChatStore):
        raise InvalidArgumentError(
            "store must be a chatstore.core.ChatStore, such as open_store(url) returns, "
            f"not {describe_store(store)}"
        )
    return store
