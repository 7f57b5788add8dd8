"""``MessageHistory``: a conversation in any store as Pydantic AI's messages."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic_ai.messages import ModelMessage

from chatstore.core import ChatStore
from chatstore.core.checks import check_key
from chatstore.core.store import check_store
from chatstore.pydantic_ai.messages import to_messages, to_model_messages


class MessageHistory:
    """Loads and saves one conversation; methods also raise what the store's methods raise."""

    def __init__(self, store: ChatStore, key: str) -> None:
        """Use a store, which is never closed; nothing is read yet.

        Args:
            store: Where the conversation is kept.
            key: The conversation's key.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`.
            InvalidKeyError: ``key`` is not a valid key.

        """
        self.store = check_store(store)
        self.key = check_key(key)

    def load(self) -> list[ModelMessage]:
        """Return all messages, oldest first, for an agent's ``message_history``.

        Raises:
            CorruptMessageError: A message cannot be read.

        """
        return to_model_messages(self.store.get_messages(self.key))

    async def async_load(self) -> list[ModelMessage]:
        """Like `load`, but awaitable."""
        return to_model_messages(await self.store.async_get_messages(self.key))

    def save(self, messages: Iterable[ModelMessage]) -> None:
        """Append the messages that are not saved yet, all next to each other, or none.

        Save ``result.new_messages()`` after a run, or a run's messages as they arrive. A message's
        id is made of its content, so messages can be saved again, in any groups. A message that
        was changed after it was saved is another message, which is appended; to change what is
        stored, use `replace`.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageTooLargeError: A message is above the store's limit.

        """
        self.store.add_messages(self.key, to_messages(messages))

    async def async_save(self, messages: Iterable[ModelMessage]) -> None:
        """Like `save`, but awaitable."""
        await self.store.async_add_messages(self.key, to_messages(messages))

    def replace(self, messages: Iterable[ModelMessage]) -> None:
        """Replace the whole conversation in one write, for a history that was edited.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageTooLargeError: A message is above the store's limit.

        """
        self.store.set_messages(self.key, to_messages(messages))

    async def async_replace(self, messages: Iterable[ModelMessage]) -> None:
        """Like `replace`, but awaitable."""
        await self.store.async_set_messages(self.key, to_messages(messages))
