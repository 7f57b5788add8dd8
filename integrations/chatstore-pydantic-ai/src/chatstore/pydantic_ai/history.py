"""``MessageHistory``: a conversation of any store, as Pydantic AI's messages."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic_ai.messages import ModelMessage

from chatstore.core import ChatStore
from chatstore.core.checks import check_key
from chatstore.pydantic_ai.messages import to_messages, to_model_messages


class MessageHistory:
    """Loads and saves the messages of one conversation; methods raise what the store's raise."""

    def __init__(self, store: ChatStore, key: str) -> None:
        """Make a history; nothing is read yet.

        Args:
            store: Where the conversation is kept.
            key: Its key.

        Raises:
            InvalidKeyError: The key is none.

        """
        self.store = store
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
        """Append the messages of a run: ``result.new_messages()``, all of them or none.

        A message's id is its run's and its place among those of the run: what is saved again
        is not added again.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageConflictError: A message of this run and place was saved with other content.

        """
        self.store.add_messages(self.key, to_messages(messages))

    async def async_save(self, messages: Iterable[ModelMessage]) -> None:
        """Like `save`, but awaitable."""
        await self.store.async_add_messages(self.key, to_messages(messages))
