"""``StoredChatMessages``: any store as Haystack's ``ChatMessageStore``."""

from __future__ import annotations

from typing import Any

from haystack import default_to_dict
from haystack.dataclasses import ChatMessage, ChatRole
from haystack.utils import Secret
from typing_extensions import Self

from chatstore.core import ChatMessage as StoredMessage
from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.checks import check_count, check_key, check_prefix
from chatstore.haystack.messages import to_messages
from chatstore.haystack.operations import read_rounds, write_messages
from chatstore.haystack.urls import may_hold_secret, open_url


class StoredChatMessages:
    """Keeps chat histories in a store, for components that take a ``ChatMessageStore``.

    Every method has an async version with the suffix ``_async``. Methods also raise what the
    store's methods raise.
    """

    def __init__(
        self,
        store: ChatStore | Secret | str,
        *,
        prefix: str = "",
        skip_system_messages: bool = True,
        last_k: int | None = 10,
    ) -> None:
        """Use a store, or open one; nothing is read yet.

        Args:
            store: A store, which is never closed, or the URL of one, as for ``open_store``. Pass
                a URL with a password as a ``Secret``: saved pipelines then contain only the name
                of its environment variable.
            prefix: The beginning of the key of every history. ``delete_all_messages`` deletes the
                conversations whose keys begin with it; with an empty prefix, all conversations.
            skip_system_messages: Do not write system messages.
            last_k: How many rounds are retrieved by default; ``None``: all.

        Raises:
            UnknownSchemeError: No installed distribution has the URL's scheme.
            InvalidKeyError: ``prefix`` is not a string.
            InvalidArgumentError: ``store`` is neither a store nor a URL, or ``last_k`` is not an
                integer of at least 0.

        """
        self.prefix = check_prefix(prefix)
        self.skip_system_messages = skip_system_messages
        self.last_k = None if last_k is None else check_count(last_k, "last_k")
        self._url = None if isinstance(store, ChatStore) else store
        self.store = store if isinstance(store, ChatStore) else open_url(store)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, for a saved pipeline.

        Raises:
            InvalidArgumentError: This was made with a store instead of a URL, or with a URL that
                may contain a password and is not a ``Secret``.

        """
        url = self._url
        if url is None:
            raise InvalidArgumentError("an open store cannot be saved: pass its URL instead")
        if isinstance(url, str) and may_hold_secret(url):
            raise InvalidArgumentError(
                "this URL may contain a password: pass it as Secret.from_env_var(...) instead"
            )
        return default_to_dict(
            self,
            store=url if isinstance(url, str) else url.to_dict(),
            prefix=self.prefix,
            skip_system_messages=self.skip_system_messages,
            last_k=self.last_k,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Create a store from what `to_dict` returned."""
        parameters = dict(data["init_parameters"])
        if isinstance(parameters["store"], dict):
            parameters["store"] = Secret.from_dict(parameters["store"])
        return cls(**parameters)

    def count_messages(self, chat_history_id: str) -> int:
        """Return the number of messages in a history."""
        return self.store.count_messages(self._key(chat_history_id))

    async def count_messages_async(self, chat_history_id: str) -> int:
        """Like `count_messages`, but awaitable."""
        return await self.store.async_count_messages(self._key(chat_history_id))

    def write_messages(self, chat_history_id: str, messages: list[ChatMessage]) -> int:
        """Append messages next to each other, and return how many were written.

        A message is not written if the history has its ``meta["chat_message_id"]`` already. A
        message without an id gets one, which `retrieve_messages` returns.

        Raises:
            InvalidArgumentError: ``messages`` is not a list of Haystack's ``ChatMessage``.
            InvalidMessageError: JSON cannot hold a message.

        """
        key, stored = self._key(chat_history_id), self._to_store(messages)
        return self.store.run("write_messages", write_messages, key, stored)

    async def write_messages_async(self, chat_history_id: str, messages: list[ChatMessage]) -> int:
        """Like `write_messages`, but awaitable."""
        key, stored = self._key(chat_history_id), self._to_store(messages)
        return await self.store.async_run("write_messages", write_messages, key, stored)

    def retrieve_messages(
        self, chat_history_id: str, last_k: int | None = None
    ) -> list[ChatMessage]:
        """Return the messages of the newest rounds, oldest first.

        A round is a user message and everything up to the assistant's answer, with tool calls and
        results. Calls without a result, as an interrupted run leaves them, are left out; a user
        message between a call and its result is moved behind the result.

        Args:
            chat_history_id: The history.
            last_k: How many rounds; ``None``: the constructor's ``last_k``.

        Raises:
            InvalidArgumentError: ``last_k`` is not an integer of at least 0.
            CorruptMessageError: A message cannot be read.

        """
        key, count = self._key(chat_history_id), self._count(last_k)
        return self.store.run("retrieve_messages", read_rounds, key, count)

    async def retrieve_messages_async(
        self, chat_history_id: str, last_k: int | None = None
    ) -> list[ChatMessage]:
        """Like `retrieve_messages`, but awaitable."""
        key, count = self._key(chat_history_id), self._count(last_k)
        return await self.store.async_run("retrieve_messages", read_rounds, key, count)

    def replace_messages(self, chat_history_id: str, messages: list[ChatMessage]) -> int:
        """Replace a history atomically, and return its new number of messages.

        Use it for histories that were shortened or summarized: deleting first and writing then
        would lose the history if the process ended in between.

        Raises:
            InvalidArgumentError: ``messages`` is not a list of Haystack's ``ChatMessage``.
            InvalidMessageError: JSON cannot hold a message, or two have the same id.

        """
        stored = self._to_store(messages)
        self.store.set_messages(self._key(chat_history_id), stored)
        return len(stored)

    async def replace_messages_async(
        self, chat_history_id: str, messages: list[ChatMessage]
    ) -> int:
        """Like `replace_messages`, but awaitable."""
        stored = self._to_store(messages)
        await self.store.async_set_messages(self._key(chat_history_id), stored)
        return len(stored)

    def delete_messages(self, chat_history_id: str) -> None:
        """Delete a history."""
        self.store.delete_messages(self._key(chat_history_id))

    async def delete_messages_async(self, chat_history_id: str) -> None:
        """Like `delete_messages`, but awaitable."""
        await self.store.async_delete_messages(self._key(chat_history_id))

    def delete_all_messages(self) -> None:
        """Delete all histories whose keys begin with the prefix."""
        for key in self.store.get_keys(self.prefix):
            self.store.delete_messages(key)

    async def delete_all_messages_async(self) -> None:
        """Like `delete_all_messages`, but awaitable."""
        for key in await self.store.async_get_keys(self.prefix):
            await self.store.async_delete_messages(key)

    def close(self) -> None:
        """Close the store if it was opened by URL; every later call raises `StoreClosedError`."""
        if self._url is not None:
            self.store.close()

    async def close_async(self) -> None:
        """Like `close`, but awaitable."""
        if self._url is not None:
            await self.store.async_close()

    def _key(self, chat_history_id: str) -> str:
        # Check the id by itself: with a prefix, an empty id would be a history shared by all users.
        return check_key(self.prefix + check_key(chat_history_id))

    def _count(self, last_k: int | None) -> int | None:
        return self.last_k if last_k is None else check_count(last_k, "last_k")

    def _to_store(self, messages: list[ChatMessage]) -> list[StoredMessage]:
        """Return the messages to write, in the store's form."""
        if not isinstance(messages, list) or any(
            not isinstance(message, ChatMessage) for message in messages
        ):
            raise InvalidArgumentError("messages must be a list of Haystack's ChatMessage")
        skipped = ChatRole.SYSTEM if self.skip_system_messages else None
        return to_messages(message for message in messages if message.role is not skipped)
