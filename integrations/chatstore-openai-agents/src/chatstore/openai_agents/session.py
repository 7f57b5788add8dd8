"""``ChatStoreSession``: a conversation in any store as the Agents SDK's ``Session``."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from agents import SessionSettings, TResponseInputItem
from typing_extensions import Self

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    StoreClosedError,
    open_store,
)
from chatstore.core.checks import check_key
from chatstore.core.memory.compactor import Compactor, make_compactor
from chatstore.core.memory.spans import read_recent
from chatstore.core.memory.summaries import is_summary, without_summaries
from chatstore.core.operations import (
    add_messages,
    check_new_record,
    set_messages,
    write_with_record,
)
from chatstore.core.store import check_store
from chatstore.openai_agents.forks import last_id
from chatstore.openai_agents.items import to_items, to_messages
from chatstore.openai_agents.sending import sent_payload
from chatstore.openai_agents.settings import check_limit, check_settings

T = TypeVar("T")
Summarize: TypeAlias = Callable[[list[TResponseInputItem]], Any]
"""Returns text or an item; it may be async."""

_COMPACT_ABOVE = 3000  # tokens, the default limit of windows


class ChatStoreSession:
    """Keeps the items of a conversation in a store, a message per item.

    Every kind of item comes back unchanged. With ``summarize``, a run reads a summary instead of
    older turns, which stay stored; without it, no summary is returned. Methods also raise what the
    store's methods raise. A copy of a session uses the same store. A session can be pickled if its
    store and functions can.

    Attributes:
        session_id: The conversation's key in the store.

    """

    session_id: str

    def __init__(
        self,
        session_id: str,
        store: ChatStore,
        *,
        owner: str | None = None,
        title: str | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        summarize: Summarize | None = None,
        compact_above: int | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
    ) -> None:
        """Create a session; nothing is read yet.

        Args:
            session_id: The conversation's key.
            store: Where the conversation is kept; the session does not close it.
            owner: Whose conversation it is, for the store's ``list_conversations(owner=…)``. It is
                stored when the conversation begins, and needs one more request in each append; an
                existing conversation keeps its own.
            title: The conversation's title, which is stored with the owner. To change either
                later, use the store's ``update_conversation``.
            session_settings: The SDK's settings, or their fields as a dict. ``limit`` is how many
                of the newest items a run reads.
            summarize: Returns a summary of items, as text or as an item; it may be async. When a
                run reads the session, older turns are summarized if they take too many tokens. See
                `chatstore.core.ChatMemoryBuffer.compact`.
            compact_above: Summarize if the items have more tokens than this; by default 3,000.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.

        Raises:
            InvalidKeyError: ``session_id`` is not a valid key.
            InvalidArgumentError: ``store`` is not a `ChatStore`, ``owner`` or ``title`` is not
                valid, ``session_settings`` has an unknown name or a limit that is not an integer,
                or ``compact_above`` is not an integer of at least 0, or is given without
                ``summarize``.

        """
        self.session_id = check_key(session_id)
        self._store = check_store(store)
        self._record = check_new_record(owner, title)
        self._settings = check_settings(session_settings)
        self._compactor = _compactor(summarize, compact_above)
        self._tokenizer_fn = tokenizer_fn
        self._owns_store = False
        self._closed = False
        self._failed_append: list[ChatMessage] | None = None

    @classmethod
    def from_url(
        cls,
        session_id: str,
        url: str,
        *,
        owner: str | None = None,
        title: str | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        summarize: Summarize | None = None,
        compact_above: int | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
    ) -> Self:
        """Open a store for this session alone, which `close` closes.

        The other arguments are those of the constructor.

        Raises:
            UnknownSchemeError: No installed distribution has the URL's scheme.
            InvalidKeyError: ``session_id`` is not a valid key.
            InvalidArgumentError: The URL or another argument is not valid.

        """
        check_key(session_id)
        record = check_new_record(owner, title)
        settings = check_settings(session_settings)
        compactor = _compactor(summarize, compact_above)
        session = cls(session_id, open_store(url), session_settings=settings)
        session._record = record
        session._compactor = compactor
        session._tokenizer_fn = tokenizer_fn
        session._owns_store = True
        return session

    if TYPE_CHECKING:
        # pyright does not accept a property for the attribute of the SDK's protocol.
        session_settings: SessionSettings | None
    else:

        @property
        def session_settings(self) -> SessionSettings | None:
            """The SDK's settings: ``limit`` is how many of the newest items a run reads."""
            return self._settings

        @session_settings.setter
        def session_settings(self, settings: SessionSettings | dict[str, Any] | None) -> None:
            self._settings = check_settings(settings)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out a failed append: only its caller can repeat it."""
        return {**self.__dict__, "_failed_append": None}

    def __copy__(self) -> Self:
        """Return a session on the same store, which the copy does not close."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__getstate__(), _owns_store=False)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a session on the same store, as `__copy__` does."""
        return self.__copy__()

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the newest ``limit`` items, oldest first.

        Args:
            limit: The most items to return; 0 or less: no items. By default the limit of
                `session_settings`; if that is ``None`` too, all items.

        Raises:
            InvalidArgumentError: ``limit`` is not an integer.
            CorruptMessageError: A message cannot be read.

        """
        self._refuse_closed()
        is_for_run = limit is None
        limit = check_limit(limit)
        if limit is None and self._settings is not None:
            limit = check_limit(self._settings.limit)
        if self._compactor is not None:
            if is_for_run:
                await self._compactor.async_compact(self._buffer())
            recent = await self._store.async_run("get_items", read_recent, self.session_id)
            items = to_items(recent)
            return items if limit is None else items[max(0, len(items) - max(0, limit)) :]
        if limit is None:
            messages = await self._store.async_get_messages(self.session_id)
            return to_items(without_summaries(messages))
        return await self._newest_items(max(0, limit))

    async def _newest_items(self, limit: int) -> list[TResponseInputItem]:
        requested = limit
        while True:
            messages = await self._store.async_get_messages(self.session_id, last=requested)
            items = to_items(without_summaries(messages))
            # A message of another framework may be several items, or none.
            if len(items) >= limit or len(messages) < requested:
                return items[len(items) - min(limit, len(items)) :]
            requested *= 2

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Append all items next to each other, or none.

        If this fails or is cancelled, repeat the call before any other: it writes only what was
        not written.

        Raises:
            InvalidMessageError: JSON cannot hold an item.
            MessageTooLargeError: An item is above the store's limit.

        """
        self._refuse_closed()
        messages = to_messages(items)
        failed, self._failed_append = self._failed_append, None
        if failed is not None and failed == messages:
            messages = failed  # their ids tell the store which messages it has already
        try:
            await _finish(self._write("add_messages", add_messages, messages))
        except BaseException:
            self._failed_append = messages
            raise

    async def _write(
        self, operation: str, write: Callable[..., Any], messages: list[ChatMessage]
    ) -> None:
        await self._store.async_run(
            operation, write_with_record, self.session_id, self._record, write, messages
        )

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove the newest item and return it; ``None`` if there are no items.

        A message of another framework that becomes several items is removed as a whole, and the
        last of them is returned. A summary of removed items is removed, too.

        Raises:
            CorruptMessageError: The message cannot be read; it is not removed.

        """
        self._refuse_closed()
        return await _finish(self._pop())

    async def _pop(self) -> TResponseInputItem | None:
        while True:
            message = await self._store.async_delete_last_message(self.session_id)
            if message is None:
                return None
            items = to_items([message])
            if items and not is_summary(message):
                return items[-1]

    async def clear_session(self) -> None:
        """Delete the conversation, including its owner and title."""
        self._refuse_closed()
        await _finish(self._store.async_delete_messages(self.session_id))

    async def fork(self, new_session_id: str, *, items: int | None = None) -> Self:
        """Begin another conversation with the items of this one, and return its session.

        The conversation has the owner of this one, and no title. The session has the options of
        this session, and the same store, which it does not close.

        Args:
            new_session_id: The new conversation's key.
            items: How many of the items it begins with, as a session without ``summarize`` returns
                them; by default all. A message of another framework that becomes several items
                is copied as a whole.

        Raises:
            ConversationExistsError: There is a conversation with the new key.
            ConversationNotFoundError: This conversation does not exist, and ``items`` is ``None``.
            InvalidArgumentError: ``items`` is not between 1 and the number of items, or both keys
                are the same.
            InvalidKeyError: ``new_session_id`` is not a valid key.
            MessageNotFoundError: The last of the items was removed while this ran.

        """
        self._refuse_closed()
        until = None if items is None else await last_id(self._store, self.session_id, items)
        begun = await _finish(self._store.async_fork(self.session_id, new_session_id, until=until))
        forked = copy.copy(self)
        forked.session_id = begun.key
        # A limit that is assigned to the fork's settings is not this session's.
        record = check_new_record(begun.owner, None)
        forked.__dict__.update(_record=record, _settings=copy.copy(self._settings))
        return forked

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace the conversation in one write; the SDK's compaction calls this method.

        Without it the SDK clears the session and then adds the compacted items: a process that is
        killed in between would lose the conversation. Items that others append while the model
        compacts are replaced too.

        Returns:
            Whether the items were replaced: ``False`` in a subclass that overrides `add_items` or
            `clear_session`, which the SDK then calls instead.

        """
        self._refuse_closed()
        kind = type(self)
        if (
            kind.add_items is not ChatStoreSession.add_items
            or kind.clear_session is not ChatStoreSession.clear_session
        ):
            return False
        messages = to_messages(items)
        await _finish(self._write("set_messages", set_messages, messages))
        self._failed_append = None
        return True

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

    def _buffer(self) -> ChatMemoryBuffer:
        return ChatMemoryBuffer(
            _COMPACT_ABOVE,
            self._store,
            self.session_id,
            self._tokenizer_fn,
            payload_fn=sent_payload,
        )

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreClosedError("this session was closed; create a new one")


def _compactor(
    summarize: Summarize | None, above: int | None
) -> Compactor[TResponseInputItem] | None:
    return make_compactor(summarize, above, to_framework=to_items, to_messages=to_messages)


async def _finish(write: Coroutine[Any, Any, T]) -> T:
    """Await a write until it ends, even if the caller is cancelled meanwhile.

    After a cancellation the SDK may repeat or undo the write, which must have ended by then.
    """
    task = asyncio.ensure_future(write)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # mark it as retrieved: the caller gets the cancellation instead
        raise cancelled
    return task.result()
