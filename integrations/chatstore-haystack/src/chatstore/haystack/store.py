"""``StoredChatMessages``: a store of any kind, as Haystack's ``ChatMessageStore``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from haystack import default_to_dict
from haystack.dataclasses import ChatMessage, ChatRole
from haystack.utils import Secret
from typing_extensions import Self

from chatstore.core import ChatMessage as StoredMessage
from chatstore.core import ChatStore, InvalidArgumentError, open_store
from chatstore.core.backend import Plan, Record
from chatstore.core.checks import check_count, check_key, check_prefix
from chatstore.core.memory.window import arranged
from chatstore.haystack.messages import haystack_groups, to_haystack, to_messages
from chatstore.haystack.rounds import round_starts

_MESSAGES_PER_ROUND = 4  # a guess: more are read where it was too low
_SECRET_WORDS = ("pass", "pwd", "token", "secret", "key", "credential", "auth", "sig")


class StoredChatMessages:
    """Keeps chat histories in a store, for whatever takes Haystack's ``ChatMessageStore``.

    Every method has a twin with the suffix ``_async``. Methods raise what the store's raise.
    """

    def __init__(
        self,
        store: ChatStore | Secret | str,
        *,
        prefix: str = "",
        skip_system_messages: bool = True,
        last_k: int | None = 10,
    ) -> None:
        """Take a store, or open one; nothing is read yet.

        Args:
            store: A store, which stays open, or the URL of one, as for ``open_store``. A URL with
                a password is a ``Secret``: of it a saved pipeline holds the variable's name alone.
            prefix: Begins the key of every history. ``delete_all_messages`` deletes what begins
                with it: with an empty one, all conversations of the store.
            skip_system_messages: Whether system messages are left out when they are written.
            last_k: How many rounds are retrieved where nobody says; ``None``: all.

        Raises:
            UnknownSchemeError: No installed distribution knows the URL's scheme.
            InvalidArgumentError: The URL is none, or ``last_k`` is negative.

        """
        self.prefix = check_prefix(prefix)
        self.skip_system_messages = skip_system_messages
        self.last_k = None if last_k is None else check_count(last_k, "last_k")
        self._url = None if isinstance(store, ChatStore) else store
        self.store = store if isinstance(store, ChatStore) else _open(store)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, for a saved pipeline.

        Raises:
            InvalidArgumentError: There is no URL to save, or one that holds a password.

        """
        url = self._url
        if url is None:
            raise InvalidArgumentError("an open store cannot be saved: give its URL instead")
        if isinstance(url, str) and _holds_secret(url):
            raise InvalidArgumentError(
                "this URL may hold a password: give it as Secret.from_env_var(...) instead"
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
        """Open the store that `to_dict` described."""
        parameters = dict(data["init_parameters"])
        if isinstance(parameters["store"], dict):
            parameters["store"] = Secret.from_dict(parameters["store"])
        return cls(**parameters)

    def count_messages(self, chat_history_id: str) -> int:
        """Return how many messages a history has."""
        return self.store.count_messages(self._key(chat_history_id))

    async def count_messages_async(self, chat_history_id: str) -> int:
        """Like `count_messages`, but awaitable."""
        return await self.store.async_count_messages(self._key(chat_history_id))

    def write_messages(self, chat_history_id: str, messages: list[ChatMessage]) -> int:
        """Append messages next to each other, and return how many were written.

        A message whose ``meta["chat_message_id"]`` the history holds is not written again. One
        without gets one, which it has when it is retrieved.

        Raises:
            ValueError: ``messages`` is no list of Haystack's ``ChatMessage``.
            InvalidMessageError: JSON cannot hold a message.

        """
        return self.store._run(self._plan_write(chat_history_id, messages), "write_messages")

    async def write_messages_async(self, chat_history_id: str, messages: list[ChatMessage]) -> int:
        """Like `write_messages`, but awaitable."""
        return await self.store._async_run(
            self._plan_write(chat_history_id, messages), "write_messages"
        )

    def retrieve_messages(
        self, chat_history_id: str, last_k: int | None = None
    ) -> list[ChatMessage]:
        """Return the messages of the newest rounds, oldest first.

        Args:
            chat_history_id: The history.
            last_k: How many rounds; ``None`` is what the constructor was told. A round is what
                the user said and all up to the assistant's answer, tool calls and results
                included. Calls that have no result, as an interrupted run leaves them, are not
                retrieved; what the user said between a call and its result comes behind it.

        Raises:
            ValueError: ``last_k`` is negative.
            CorruptMessageError: A message cannot be read.

        """
        return self.store._run(self._plan_retrieve(chat_history_id, last_k), "retrieve_messages")

    async def retrieve_messages_async(
        self, chat_history_id: str, last_k: int | None = None
    ) -> list[ChatMessage]:
        """Like `retrieve_messages`, but awaitable."""
        return await self.store._async_run(
            self._plan_retrieve(chat_history_id, last_k), "retrieve_messages"
        )

    def replace_messages(self, chat_history_id: str, messages: list[ChatMessage]) -> int:
        """Replace a history in one atomic step, and return how many messages it has now.

        It is for histories that were shortened or summarised: deleting first, and writing then,
        would lose the history if the process ended in between.

        Raises:
            ValueError: ``messages`` is not a list of Haystack's ``ChatMessage``.
            InvalidMessageError: JSON cannot hold a message, or two have the same id.

        """
        stored = self._stored(messages)
        self.store.set_messages(self._key(chat_history_id), stored)
        return len(stored)

    async def replace_messages_async(
        self, chat_history_id: str, messages: list[ChatMessage]
    ) -> int:
        """Like `replace_messages`, but awaitable."""
        stored = self._stored(messages)
        await self.store.async_set_messages(self._key(chat_history_id), stored)
        return len(stored)

    def delete_messages(self, chat_history_id: str) -> None:
        """Forget a history."""
        self.store.delete_messages(self._key(chat_history_id))

    async def delete_messages_async(self, chat_history_id: str) -> None:
        """Like `delete_messages`, but awaitable."""
        await self.store.async_delete_messages(self._key(chat_history_id))

    def delete_all_messages(self) -> None:
        """Forget all histories whose keys begin with the prefix."""
        for key in self.store.get_keys(self.prefix):
            self.store.delete_messages(key)

    async def delete_all_messages_async(self) -> None:
        """Like `delete_all_messages`, but awaitable."""
        for key in await self.store.async_get_keys(self.prefix):
            await self.store.async_delete_messages(key)

    def close(self) -> None:
        """Close the store if a URL opened it; every later call raises `StoreClosedError`."""
        if self._url is not None:
            self.store.close()

    async def close_async(self) -> None:
        """Like `close`, but awaitable."""
        if self._url is not None:
            await self.store.async_close()

    def _key(self, chat_history_id: str) -> str:
        # Checked by itself: with a prefix, an empty id would be one history of all users.
        return check_key(self.prefix + check_key(chat_history_id))

    def _plan_write(self, chat_history_id: str, messages: Iterable[ChatMessage]) -> Plan[int]:
        key = self._key(chat_history_id)
        first = {message.id: message for message in reversed(self._stored(messages))}
        return self._appending(key, self.store._encode(reversed(first.values())))

    def _stored(self, messages: Iterable[ChatMessage]) -> list[StoredMessage]:
        """Return the messages that are written, as a store takes them."""
        if not isinstance(messages, list) or any(
            not isinstance(message, ChatMessage) for message in messages
        ):
            raise InvalidArgumentError("messages must be a list of Haystack's ChatMessage")
        skipped = ChatRole.SYSTEM if self.skip_system_messages else None
        return to_messages(message for message in messages if message.role is not skipped)

    def _appending(self, key: str, records: Sequence[Record]) -> Plan[int]:
        """Append the records whose ids are not held, and return how many that were."""
        while records:
            held = yield from self.store._append(key, records)
            if not held:
                break
            ids = {item.id for item in held}
            records = [record for record in records if record.id not in ids]
        return len(records)

    def _plan_retrieve(self, chat_history_id: str, last_k: int | None) -> Plan[list[ChatMessage]]:
        key = self._key(chat_history_id)
        wanted = self.last_k if last_k is None else check_count(last_k, "last_k")
        return self._reading(key, wanted)

    def _reading(self, key: str, wanted: int | None) -> Plan[list[ChatMessage]]:
        if wanted is None:
            return _valid((yield from self.store._plan_get(key, None)))
        limit = wanted * _MESSAGES_PER_ROUND
        while True:
            messages = yield from self.store._plan_get(key, limit)
            starts = round_starts(haystack_groups(messages))
            # The first round that was read may lack its beginning.
            if len(starts) > wanted or len(messages) < limit or not wanted:
                newest = starts[len(starts) - min(wanted, len(starts)) :]
                return _valid(messages[newest[0] :]) if newest else []
            limit *= 2


def _open(url: Secret | str) -> ChatStore:
    if isinstance(url, Secret):
        value = url.resolve_value()
        if not isinstance(value, str):
            raise InvalidArgumentError(
                "the secret of the store's URL has no value: is its environment variable set?"
            )
        url = value
    if not isinstance(url, str):
        kind = type(url)
        raise InvalidArgumentError(
            "store must be a chatstore.core.ChatStore, a URL or a Secret, "
            f"not {kind.__module__}.{kind.__qualname__}"
        )
    return open_store(url)


def _valid(messages: Sequence[StoredMessage]) -> list[ChatMessage]:
    """Return what a provider accepts: no call without its result, no result without its call."""
    return to_haystack(arranged(messages, newest=False))


def _holds_secret(url: str) -> bool:
    """Tell whether a URL may hold a password, a token or a key."""
    rest = url.partition("://")[2]
    address, _, query = rest.partition("?")
    # A password may hold an unquoted slash; a path without a host, such as SQLite's, has none.
    if not address.startswith("/") and "@" in address:
        return True
    names = (option.partition("=")[0].lower() for option in re.split("[&;#]", query))
    return any(word in name for name in names for word in _SECRET_WORDS)
