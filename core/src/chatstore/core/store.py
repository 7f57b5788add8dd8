"""``ChatStore``: every public method, in both colours, over plans that a backend gives.

The plans of this module check, encode and decode; a backend's hooks move records. Nothing here
or in a hook knows whether it runs sync or async.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from typing_extensions import Self

from chatstore.core import codec
from chatstore.core.checks import check_count, check_index, check_key
from chatstore.core.errors import (
    ChatStoreError,
    InvalidMessageError,
    MessageConflictError,
    MessageTooLargeError,
    StoreClosedError,
)
from chatstore.core.messages import ChatMessage
from chatstore.core.paging import MAX_PAGE_SIZE, KeyPager, MessagePager, Pager
from chatstore.core.plans import Plan
from chatstore.core.records import Held, KeyPage, Page, Record, StoredRecord

T = TypeVar("T")


class ChatStore(ABC):
    """Keeps conversations: ordered messages under a key.

    Every method has a twin with the prefix ``async_`` and the same behaviour; a program may use
    both on one store. Threads share a store freely. A conversation without messages does not
    exist. Messages that come back are the caller's own copies.

    Every method that does I/O may raise, beside what it names: `InvalidKeyError` for a key that
    is not a string of 1 to 255 bytes in UTF-8, `StoreUnavailableError`, `StoreAccessError`,
    `StoreFullError`, `CorruptStoreError`, `StoreClosedError`.
    """

    max_message_bytes: ClassVar[int | None] = None
    """The largest message as it is stored, in bytes of UTF-8; ``None``: no limit of our own."""

    _closed = False

    # ------------------------------------------------------------------ writing

    def set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Replace the conversation; with no messages, forget it.

        Raises:
            InvalidMessageError: JSON cannot hold a message, or two have one id.
            MessageTooLargeError: A message is above `max_message_bytes`.

        """
        self._run(self._plan_set(key, messages))

    async def async_set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Like `set_messages`, but awaitable."""
        await self._async_run(self._plan_set(key, messages))

    def add_message(self, key: str, message: ChatMessage, idx: int | None = None) -> None:
        """Append a message, or insert it before index ``idx`` as ``list.insert`` does.

        A message whose id the conversation holds already is not added again.

        Raises:
            InvalidMessageError: JSON cannot hold the message.
            MessageTooLargeError: It is above `max_message_bytes`.
            MessageConflictError: The conversation holds its id with other content.

        """
        self._run(self._plan_add(key, message, idx))

    async def async_add_message(
        self, key: str, message: ChatMessage, idx: int | None = None
    ) -> None:
        """Like `add_message`, but awaitable."""
        await self._async_run(self._plan_add(key, message, idx))

    def add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Append all messages next to each other, or none.

        Messages whose ids the conversation holds already are not added again.

        Raises:
            InvalidMessageError: JSON cannot hold a message, or two have one id.
            MessageTooLargeError: A message is above `max_message_bytes`.
            MessageConflictError: The conversation holds an id with other content.

        """
        self._run(self._plan_add_all(key, messages))

    async def async_add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Like `add_messages`, but awaitable."""
        await self._async_run(self._plan_add_all(key, messages))

    def delete_messages(self, key: str) -> None:
        """Forget the conversation; nothing happens where there is none."""
        self._run(self._plan_delete(key))

    async def async_delete_messages(self, key: str) -> None:
        """Like `delete_messages`, but awaitable."""
        await self._async_run(self._plan_delete(key))

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Remove the message at an index and return it; ``None`` where there is none.

        Negative indexes count from the end.

        Raises:
            CorruptMessageError: The message cannot be read; it is kept.

        """
        return self._run(self._plan_remove(key, idx))

    async def async_delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Like `delete_message`, but awaitable."""
        return await self._async_run(self._plan_remove(key, idx))

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Remove the newest message and return it; ``None`` where there is none.

        Raises:
            CorruptMessageError: The message cannot be read; it is kept.

        """
        return self._run(self._plan_remove(key, -1))

    async def async_delete_last_message(self, key: str) -> ChatMessage | None:
        """Like `delete_last_message`, but awaitable."""
        return await self._async_run(self._plan_remove(key, -1))

    # ------------------------------------------------------------------ reading

    def get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        """Return all messages, or the newest ``last``, oldest first; ``[]`` for a missing key.

        Raises:
            CorruptMessageError: A message cannot be read.

        """
        return self._run(self._plan_get(key, last))

    async def async_get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        """Like `get_messages`, but awaitable."""
        return await self._async_run(self._plan_get(key, last))

    def iter_messages(
        self, key: str, *, reverse: bool = False, page_size: int = 100
    ) -> Iterator[ChatMessage]:
        """Iterate over the messages, oldest first or newest first, reading a page at a time.

        Appends made meanwhile neither repeat nor skip a message; reading oldest first, they are
        reached in the end.

        Raises:
            ConversationChangedError: The conversation was set anew, deleted, or had a message
                inserted between two pages.
            CorruptMessageError: A message cannot be read.

        """
        return self._iterate(MessagePager(self, key, reverse=reverse, page_size=page_size))

    def async_iter_messages(
        self, key: str, *, reverse: bool = False, page_size: int = 100
    ) -> AsyncIterator[ChatMessage]:
        """Like `iter_messages`, for ``async for``."""
        return self._async_iterate(MessagePager(self, key, reverse=reverse, page_size=page_size))

    def count_messages(self, key: str) -> int:
        """Return how many messages the conversation has, 0 for a missing key."""
        return self._run(self._plan_count(key))

    async def async_count_messages(self, key: str) -> int:
        """Like `count_messages`, but awaitable."""
        return await self._async_run(self._plan_count(key))

    def get_keys(self, prefix: str = "") -> list[str]:
        """Return the keys of all conversations that begin with ``prefix``, in no set order."""
        return list(self.iter_keys(prefix, MAX_PAGE_SIZE))

    async def async_get_keys(self, prefix: str = "") -> list[str]:
        """Like `get_keys`, but awaitable."""
        return [key async for key in self.async_iter_keys(prefix, MAX_PAGE_SIZE)]

    def iter_keys(self, prefix: str = "", page_size: int = 1000) -> Iterator[str]:
        """Iterate over the keys that begin with ``prefix``, reading a page at a time.

        A conversation that begins or ends meanwhile may be listed or not; no key comes twice.
        """
        return self._iterate(KeyPager(self, prefix, page_size))

    def async_iter_keys(self, prefix: str = "", page_size: int = 1000) -> AsyncIterator[str]:
        """Like `iter_keys`, for ``async for``."""
        return self._async_iterate(KeyPager(self, prefix, page_size))

    # ------------------------------------------------------------------ life

    def close(self) -> None:
        """Close what the store opened itself; every later call raises `StoreClosedError`."""
        if not self._closed:
            self._closed = True
            with _ErrorsAsOurs(self._translate):
                self._close()

    async def async_close(self) -> None:
        """Like `close`, but awaitable."""
        if not self._closed:
            self._closed = True
            with _ErrorsAsOurs(self._translate):
                await self._async_close()

    def __enter__(self) -> Self:
        """Return the store; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the store; leaving the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        await self.async_close()

    # ------------------------------------------------------------------ plans, common to all

    # Arguments are checked and encoded here, at once; the plans only move records.

    def _plan_set(self, key: str, messages: Iterable[ChatMessage]) -> Plan[None]:
        check_key(key)
        records = self._encode(messages)
        return self._replace(key, records) if records else self._delete(key)

    def _plan_add(self, key: str, message: ChatMessage, idx: int | None) -> Plan[None]:
        check_key(key)
        index = None if idx is None else check_index(idx)
        records = self._encode([message])
        if index is None:
            return self._appending(key, records)
        return self._inserting(key, index, records)

    def _plan_add_all(self, key: str, messages: Iterable[ChatMessage]) -> Plan[None]:
        check_key(key)
        return self._appending(key, self._encode(messages))

    def _plan_delete(self, key: str) -> Plan[None]:
        return self._delete(check_key(key))

    def _plan_remove(self, key: str, idx: int) -> Plan[ChatMessage | None]:
        return self._removing(check_key(key), check_index(idx))

    def _plan_get(self, key: str, last: int | None) -> Plan[list[ChatMessage]]:
        return self._getting(check_key(key), None if last is None else check_count(last, "last"))

    def _plan_count(self, key: str) -> Plan[int]:
        return self._count(check_key(key))

    def _appending(self, key: str, records: Sequence[Record]) -> Plan[None]:
        while records:
            held = yield from self._append(key, records)
            if not held:
                return
            records = _without_held(key, records, held)

    def _inserting(self, key: str, index: int, records: Sequence[Record]) -> Plan[None]:
        held = yield from self._insert(key, index, records[0])
        _without_held(key, records, held)

    def _removing(self, key: str, index: int) -> Plan[ChatMessage | None]:
        removed = yield from self._remove(key, index)
        return None if removed is None else codec.decode(key, removed.position, removed.body)

    def _getting(self, key: str, limit: int | None) -> Plan[list[ChatMessage]]:
        if limit == 0:
            return []
        page = yield from self._read_newest(key, limit)
        return codec.decode_all(key, page.records)

    def _encode(self, messages: Iterable[ChatMessage]) -> list[Record]:
        """Encode all messages, or raise before anything is sent."""
        if isinstance(messages, (ChatMessage, str, bytes)) or not isinstance(messages, Iterable):
            text = f"messages must be a list of ChatMessage, not {type(messages).__name__}"
            raise InvalidMessageError(text)
        now = datetime.now(timezone.utc).isoformat()
        records = [codec.encode(message, now) for message in messages]
        if len({record.id for record in records}) < len(records):
            text = "two of these messages have the same id"
            raise InvalidMessageError(text)
        limit = self.max_message_bytes
        if limit is not None:
            for record in records:
                # Four bytes a character at most: the exact size is seldom needed.
                if len(record.body) * 4 > limit and len(record.body.encode()) > limit:
                    text = f"a message has more than {limit} bytes as it is stored"
                    raise MessageTooLargeError(text)
        return records

    # ------------------------------------------------------------------ drivers

    def _run(self, plan: Plan[T]) -> T:
        """Run a plan with the sync client."""
        self._refuse_closed(plan)
        with _ErrorsAsOurs(self._translate):
            return self._execute(plan)

    async def _async_run(self, plan: Plan[T]) -> T:
        """Run a plan with the async client."""
        self._refuse_closed(plan)
        with _ErrorsAsOurs(self._translate):
            return await self._async_execute(plan)

    def _iterate(self, pager: Pager[T]) -> Iterator[T]:
        while not pager.done:
            yield from self._run(pager.next_page())

    async def _async_iterate(self, pager: Pager[T]) -> AsyncIterator[T]:
        while not pager.done:
            for item in await self._async_run(pager.next_page()):
                yield item

    def _refuse_closed(self, plan: Plan[Any]) -> None:
        if self._closed:
            plan.close()
            message = f"this {type(self).__name__} was closed"
            raise StoreClosedError(message)

    # ------------------------------------------------------------------ what a backend gives

    @abstractmethod
    def _execute(self, plan: Plan[T]) -> T:
        """Run a plan with the sync client."""

    @abstractmethod
    async def _async_execute(self, plan: Plan[T]) -> T:
        """Run a plan with the async client."""

    @abstractmethod
    def _translate(self, error: Exception) -> ChatStoreError | None:
        """Return our error for one of the driver's; ``None`` where it is none of the driver's."""

    @abstractmethod
    def _close(self) -> None:
        """Close what this store opened."""

    @abstractmethod
    async def _async_close(self) -> None:
        """Close what this store opened."""

    @abstractmethod
    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Held]]:
        """Append all records next to each other and return ``[]``.

        Where the conversation holds the id of any, write nothing and return those it holds.
        """

    @abstractmethod
    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Held]]:
        """Insert before an index as ``list.insert`` does, else like `_append`."""

    @abstractmethod
    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        """Replace the conversation by records, of which there is at least one."""

    @abstractmethod
    def _delete(self, key: str) -> Plan[None]:
        """Forget the conversation."""

    @abstractmethod
    def _remove(self, key: str, index: int) -> Plan[StoredRecord | None]:
        """Remove one record; negative indexes count from the end.

        A record that `codec.decode` refuses stays, and its error is raised. With its last record
        a conversation is gone.
        """

    @abstractmethod
    def _count(self, key: str) -> Plan[int]:
        """Return the number of messages."""

    @abstractmethod
    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        """Read, at one moment, the newest ``limit`` records of those before a position.

        ``None``: all of them. ``leading`` asks for that many first records of the conversation
        as well, whether they are among the others or not.
        """

    @abstractmethod
    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        """Read the oldest ``limit`` records of those after a position."""

    @abstractmethod
    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        """Read about ``limit`` keys, from the start or from the cursor of the page before."""


class _ErrorsAsOurs:
    """Lets a driver's error leave a ``with`` block as one of ours, with the driver's as its cause.

    It is a class, since a generator costs each call more.
    """

    def __init__(self, translate: Callable[[Exception], ChatStoreError | None]) -> None:
        self._translate = translate

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, ChatStoreError):
            ours = self._translate(error)
            if ours is not None:
                raise ours from error


def _without_held(key: str, records: Sequence[Record], held: Sequence[Held]) -> list[Record]:
    """Return the records that are not held; what is held must say the same."""
    bodies = {item.id: item.body for item in held}
    rest: list[Record] = []
    for record in records:
        body = bodies.get(record.id)
        if body is None:
            rest.append(record)
        elif codec.decode(key, -1, body) != codec.decode(key, -1, record.body):
            message = f"the conversation holds message {record.id!r} with other content"
            raise MessageConflictError(message)
    return rest
