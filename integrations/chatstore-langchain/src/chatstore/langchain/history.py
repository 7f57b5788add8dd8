"""``ChatStoreMessageHistory``: a conversation in any store as LangChain's message history."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from chatstore.core import ChatStore
from chatstore.core.checks import check_key
from chatstore.core.memory.summaries import without_summaries
from chatstore.core.operations import add_messages, check_new_record, write_with_record
from chatstore.core.store import check_store
from chatstore.langchain.messages import to_langchain, to_messages


class ChatStoreMessageHistory(BaseChatMessageHistory):
    """One conversation, for ``RunnableWithMessageHistory`` and others that take a history.

    The async methods call the store's async methods. Methods also raise what the store's methods
    raise.
    """

    def __init__(
        self, store: ChatStore, key: str, *, owner: str | None = None, title: str | None = None
    ) -> None:
        """Use a store, which is never closed; nothing is read yet.

        Args:
            store: Where the conversation is kept.
            key: The conversation's key, such as LangChain's session id.
            owner: Whose conversation it is, for ``store.list_conversations(owner=…)``, if it is
                new: existing conversations keep their owner and title. It needs one more request
                in each append.
            title: Its title, if it is new.

        Raises:
            InvalidArgumentError: `store` is not a `ChatStore`, or `owner` or `title` is not valid,
                see `chatstore.core.ChatStore.create_conversation`.
            InvalidKeyError: `key` is not a string of 1 to 255 bytes in UTF-8.

        """
        self.store = check_store(store)
        self.key = check_key(key)
        self._record = check_new_record(owner, title)

    @property
    def messages(self) -> list[BaseMessage]:
        """All messages, oldest first, without summaries; assigning is `replace_messages`."""
        return to_langchain(without_summaries(self.store.get_messages(self.key)))

    @messages.setter
    def messages(  # pyright: ignore[reportIncompatibleVariableOverride]  # a field of LangChain's
        self, messages: Sequence[BaseMessage]
    ) -> None:
        self.replace_messages(messages)

    def replace_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Replace the conversation atomically, for example with a shorter one.

        With `clear` and `add_messages` instead, a process that ends in between would lose the
        conversation.

        Raises:
            InvalidMessageError: JSON cannot hold a message, or two have the same id.

        """
        self.store.set_messages(self.key, to_messages(messages))

    async def areplace_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Like `replace_messages`, but awaitable."""
        await self.store.async_set_messages(self.key, to_messages(messages))

    async def aget_messages(self) -> list[BaseMessage]:
        """Like `messages`, but awaitable."""
        return to_langchain(without_summaries(await self.store.async_get_messages(self.key)))

    def add_message(self, message: BaseMessage) -> None:
        """Append a message; raises what `add_messages` raises."""
        self.add_messages([message])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append all messages next to each other, or none.

        Messages whose ids the conversation has already are not added again.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageConflictError: The conversation has an id with other content.

        """
        arguments = self.key, self._record, add_messages, to_messages(messages)
        self.store.run("add_messages", write_with_record, *arguments)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Like `add_messages`, but awaitable."""
        arguments = self.key, self._record, add_messages, to_messages(messages)
        await self.store.async_run("add_messages", write_with_record, *arguments)

    def fork(self, new_key: str, *, until: str | None = None) -> ChatStoreMessageHistory:
        """Begin a conversation with this one's messages, and return its history.

        It has the owner of this one, and no title.

        Args:
            new_key: The new conversation's key.
            until: The id of the last message to copy; by default all are copied.

        Raises:
            ConversationNotFoundError: This conversation does not exist.
            MessageNotFoundError: It does not have the message `until`.
            ConversationExistsError: There is a conversation under `new_key`.

        """
        begun = self.store.fork(self.key, new_key, until=until)
        return ChatStoreMessageHistory(self.store, new_key, owner=begun.owner)

    async def afork(self, new_key: str, *, until: str | None = None) -> ChatStoreMessageHistory:
        """Like `fork`, but awaitable."""
        begun = await self.store.async_fork(self.key, new_key, until=until)
        return ChatStoreMessageHistory(self.store, new_key, owner=begun.owner)

    def clear(self) -> None:
        """Delete the conversation."""
        self.store.delete_messages(self.key)

    async def aclear(self) -> None:
        """Like `clear`, but awaitable."""
        await self.store.async_delete_messages(self.key)
