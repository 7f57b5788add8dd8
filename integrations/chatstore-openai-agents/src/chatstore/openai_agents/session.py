"""``ChatStoreSession``: a conversation of any store, as the Agents SDK's ``Session``."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from agents import SessionSettings, TResponseInputItem
from typing_extensions import Self

from chatstore.core import ChatMessage, ChatStore, StoreClosedError, open_store
from chatstore.core.checks import check_key
from chatstore.openai_agents.items import to_items, to_messages

T = TypeVar("T")


class ChatStoreSession:
    """Keeps a conversation's items in a store, one message an item.

    Every kind of item comes back as it was added. Methods raise what the store's raise.

    Attributes:
        session_id: The conversation's key in the store.
        session_settings: ``limit`` is how many of the newest items a run reads.

    """

    session_id: str
    session_settings: SessionSettings | None

    def __init__(
        self,
        session_id: str,
        store: ChatStore,
        *,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        """Make a session; nothing is read yet.

        Args:
            session_id: The conversation's key.
            store: Where the conversation is kept. It stays open when the session is closed.
            session_settings: Settings of the SDK, or their fields as a dict.

        Raises:
            InvalidKeyError: The session's id is no key of a store.

        """
        self.session_id = check_key(session_id)
        if isinstance(session_settings, dict):
            session_settings = SessionSettings(**session_settings)
        self.session_settings = session_settings or SessionSettings()
        self._store = store
        self._owns_store = False
        self._closed = False
        self._unsettled: list[ChatMessage] | None = None

    @classmethod
    def from_url(
        cls,
        session_id: str,
        url: str,
        *,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> Self:
        """Make a session with a store of its own, which `close` closes.

        Raises:
            UnknownSchemeError: No installed distribution knows the URL's scheme.
            InvalidArgumentError: The URL or the session's id is none.

        """
        check_key(session_id)
        session = cls(session_id, open_store(url), session_settings=session_settings)
        session._owns_store = True
        return session

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the newest ``limit`` items, oldest first.

        Args:
            limit: ``None`` is the limit of `session_settings`, and all where it has none. With 0
                or less there are no items.

        Raises:
            CorruptMessageError: A message cannot be read.

        """
        self._refuse_closed()
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        if limit is None:
            return to_items(await self._store.async_get_messages(self.session_id))
        limit = max(0, limit)
        asked = limit
        while True:
            messages = await self._store.async_get_messages(self.session_id, last=asked)
            items = to_items(messages)
            # A message of another framework may be no item at all, or several.
            if len(items) >= limit or len(messages) < asked:
                return items[len(items) - min(limit, len(items)) :]
            asked *= 2

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Append all items next to each other, or none.

        Where this fails or is cancelled, the same call made next writes what was not written:
        nothing comes twice.

        Raises:
            InvalidMessageError: JSON cannot hold an item.
            MessageTooLargeError: An item is above the store's limit.

        """
        self._refuse_closed()
        messages = to_messages(items)
        unsettled, self._unsettled = self._unsettled, None
        if unsettled is not None and unsettled == messages:
            messages = unsettled  # their ids tell the store which it holds
        try:
            await _to_its_end(self._store.async_add_messages(self.session_id, messages))
        except BaseException:
            self._unsettled = messages
            raise

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove the newest item and return it; ``None`` where there is none.

        A message of another framework that is several items goes as a whole; the last of them
        is returned.

        Raises:
            CorruptMessageError: The message cannot be read; it is kept.

        """
        self._refuse_closed()
        return await _to_its_end(self._pop())

    async def _pop(self) -> TResponseInputItem | None:
        while True:
            message = await self._store.async_delete_last_message(self.session_id)
            if message is None:
                return None
            items = to_items([message])
            if items:
                return items[-1]

    async def clear_session(self) -> None:
        """Forget the conversation."""
        self._refuse_closed()
        await _to_its_end(self._store.async_delete_messages(self.session_id))

    async def close(self) -> None:
        """Close the session, and the store if `from_url` opened it.

        Every later call raises `StoreClosedError`.
        """
        self._closed = True
        if self._owns_store:
            await self._store.async_close()

    async def __aenter__(self) -> Self:
        """Return the session; leaving the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the session."""
        await self.close()

    def _refuse_closed(self) -> None:
        if self._closed:
            message = "this session was closed"
            raise StoreClosedError(message)


async def _to_its_end(writing: Coroutine[Any, Any, T]) -> T:
    """Await a change whose outcome must be known, also when the caller is cancelled meanwhile.

    The SDK repeats and takes back what it wrote; a write still under way would come between.
    """
    task = asyncio.ensure_future(writing)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen: the cancellation is what the caller hears of
        raise cancelled
    return task.result()
