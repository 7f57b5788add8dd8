"""``ChatStore``: every public method, in both colours, over plans that a backend gives.

The plans of this module check, encode and decode; a backend's hooks move records. Nothing here
or in a hook knows whether it runs sync or async.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from types import TracebackType
from typing import ClassVar

from pydantic import BaseModel
from typing_extensions import Self

from chatstore.core import codec
from chatstore.core.checks import check_count, check_index, check_key
from chatstore.core.copying import Copyable
from chatstore.core.errors import (
    CorruptMessageError,
    InvalidMessageError,
    MessageConflictError,
    MessageTooLargeError,
)
from chatstore.core.foreign import describe_message
from chatstore.core.messages import ChatMessage
from chatstore.core.paging import MAX_PAGE_SIZE, KeyPager, MessagePager, OnCorrupt
from chatstore.core.plans import Plan
from chatstore.core.records import Held, Record
from chatstore.core.running import Runner


class ChatStore(Copyable, Runner):
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

    # ------------------------------------------------------------------ writing

    def set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Replace the conversation; with no messages, forget it.

        Raises:
            InvalidMessageError: JSON cannot hold a message, or two have one id.
            MessageTooLargeError: A message is above `max_message_bytes`.

        """
        self._call("set_messages", self._plan_set, key, messages)

    async def async_set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Like `set_messages`, but awaitable."""
        await self._async_call("set_messages", self._plan_set, key, messages)

    def add_message(self, key: str, message: ChatMessage, idx: int | None = None) -> None:
        """Append a message, or insert it before index ``idx`` as ``list.insert`` does.

        A message whose id the conversation holds already is not added again.

        Raises:
            InvalidMessageError: JSON cannot hold the message.
            MessageTooLargeError: It is above `max_message_bytes`.
            MessageConflictError: The conversation holds its id with other content.

        """
        self._call("add_message", self._plan_add, key, message, idx)

    async def async_add_message(
        self, key: str, message: ChatMessage, idx: int | None = None
    ) -> None:
        """Like `add_message`, but awaitable."""
        await self._async_call("add_message", self._plan_add, key, message, idx)

    def add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Append all messages next to each other, or none.

        Messages whose ids the conversation holds already are not added again.

        Raises:
            InvalidMessageError: JSON cannot hold a message, or two have one id.
            MessageTooLargeError: A message is above `max_message_bytes`.
            MessageConflictError: The conversation holds an id with other content.

        """
        self._call("add_messages", self._plan_add_all, key, messages)

    async def async_add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Like `add_messages`, but awaitable."""
        await self._async_call("add_messages", self._plan_add_all, key, messages)

    def delete_messages(self, key: str) -> None:
        """Forget the conversation; nothing happens where there is none."""
        self._call("delete_messages", self._plan_delete, key)

    async def async_delete_messages(self, key: str) -> None:
        """Like `delete_messages`, but awaitable."""
        await self._async_call("delete_messages", self._plan_delete, key)

    def delete_message(self, key: str, idx: int, *, force: bool = False) -> ChatMessage | None:
        """Remove the message at an index and return it; ``None`` where there is none.

        Args:
            key: The conversation.
            idx: Zero-based; negative indexes count from the end.
            force: Remove a message that cannot be read, too, and return ``None`` for it.

        Raises:
            CorruptMessageError: The message cannot be read and ``force`` is false; it is kept.

        """
        return self._call("delete_message", self._plan_remove, key, idx, force=force)

    async def async_delete_message(
        self, key: str, idx: int, *, force: bool = False
    ) -> ChatMessage | None:
        """Like `delete_message`, but awaitable."""
        return await self._async_call("delete_message", self._plan_remove, key, idx, force=force)

    def delete_last_message(self, key: str, *, force: bool = False) -> ChatMessage | None:
        """Remove the newest message and return it; ``None`` where there is none.

        Args:
            key: The conversation.
            force: Remove a message that cannot be read, too, and return ``None`` for it.

        Raises:
            CorruptMessageError: The message cannot be read and ``force`` is false; it is kept.

        """
        return self._call("delete_last_message", self._plan_remove, key, -1, force=force)

    async def async_delete_last_message(
        self, key: str, *, force: bool = False
    ) -> ChatMessage | None:
        """Like `delete_last_message`, but awaitable."""
        return await self._async_call(
            "delete_last_message", self._plan_remove, key, -1, force=force
        )

    # ------------------------------------------------------------------ reading

    def get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        """Return all messages, or the newest ``last``, oldest first; ``[]`` for a missing key.

        Raises:
            CorruptMessageError: A message cannot be read.

        """
        return self._call("get_messages", self._plan_get, key, last)

    async def async_get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        """Like `get_messages`, but awaitable."""
        return await self._async_call("get_messages", self._plan_get, key, last)

    def iter_messages(
        self,
        key: str,
        *,
        reverse: bool = False,
        page_size: int = 100,
        on_corrupt: OnCorrupt = "raise",
    ) -> Iterator[ChatMessage]:
        """Iterate over the messages, reading a page at a time.

        Messages that are appended in the meantime are neither repeated nor skipped; reading
        oldest first, they are reached in the end.

        Args:
            key: The conversation.
            reverse: Newest first instead of oldest first.
            page_size: Messages a page.
            on_corrupt: What to do about a message that cannot be read: ``"raise"``, ``"skip"``,
                or a function that is called with the `CorruptMessageError` and returns a message
                to take its place, or ``None`` to skip it.

        Raises:
            ConversationChangedError: The conversation was replaced, deleted, or had a message
                inserted between two pages.
            CorruptMessageError: A message cannot be read, and ``on_corrupt`` is ``"raise"``.

        """
        pager = self._build(
            "iter_messages", MessagePager, self, key, reverse, page_size, on_corrupt
        )
        return self._iterate(pager, "iter_messages", key)

    def async_iter_messages(
        self,
        key: str,
        *,
        reverse: bool = False,
        page_size: int = 100,
        on_corrupt: OnCorrupt = "raise",
    ) -> AsyncIterator[ChatMessage]:
        """Like `iter_messages`, for ``async for``."""
        pager = self._build(
            "iter_messages", MessagePager, self, key, reverse, page_size, on_corrupt
        )
        return self._async_iterate(pager, "iter_messages", key)

    def count_messages(self, key: str) -> int:
        """Return how many messages the conversation has, 0 for a missing key."""
        return self._call("count_messages", self._plan_count, key)

    async def async_count_messages(self, key: str) -> int:
        """Like `count_messages`, but awaitable."""
        return await self._async_call("count_messages", self._plan_count, key)

    def get_keys(self, prefix: str = "") -> list[str]:
        """Return the keys of all conversations that begin with ``prefix``, in no set order."""
        pager = self._build("get_keys", KeyPager, self, prefix, MAX_PAGE_SIZE)
        return list(self._iterate(pager, "get_keys"))

    async def async_get_keys(self, prefix: str = "") -> list[str]:
        """Like `get_keys`, but awaitable."""
        pager = self._build("get_keys", KeyPager, self, prefix, MAX_PAGE_SIZE)
        return [key async for key in self._async_iterate(pager, "get_keys")]

    def iter_keys(self, prefix: str = "", page_size: int = 1000) -> Iterator[str]:
        """Iterate over the keys that begin with ``prefix``, reading a page at a time.

        A conversation that begins or ends meanwhile may be listed or not; no key comes twice.
        """
        return self._iterate(
            self._build("iter_keys", KeyPager, self, prefix, page_size), "iter_keys"
        )

    def async_iter_keys(self, prefix: str = "", page_size: int = 1000) -> AsyncIterator[str]:
        """Like `iter_keys`, for ``async for``."""
        return self._async_iterate(
            self._build("iter_keys", KeyPager, self, prefix, page_size), "iter_keys"
        )

    # ------------------------------------------------------------------ life

    def close(self) -> None:
        """Close what the store opened itself; every later call raises `StoreClosedError`."""
        failure = None
        if not self._closed:
            self._closed = True
            try:
                self._close()
            except Exception as error:  # noqa: BLE001 - translated
                failure = self._failure(error, "close")
        if failure is not None:
            raise failure

    async def async_close(self) -> None:
        """Like `close`, but awaitable."""
        failure = None
        if not self._closed:
            self._closed = True
            try:
                await self._async_close()
            except Exception as error:  # noqa: BLE001 - translated
                failure = self._failure(error, "close")
        if failure is not None:
            raise failure

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

    def _plan_remove(self, key: str, idx: int, *, force: bool) -> Plan[ChatMessage | None]:
        return self._removing(check_key(key), check_index(idx), force=force)

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

    def _removing(self, key: str, index: int, *, force: bool) -> Plan[ChatMessage | None]:
        removed = yield from self._remove(key, index, force=force)
        if removed is None:
            return None
        try:
            return codec.decode(key, removed.position, removed.body)
        except CorruptMessageError:
            if not force:
                raise
            return None

    def _getting(self, key: str, limit: int | None) -> Plan[list[ChatMessage]]:
        if limit == 0:
            return []
        page = yield from self._read_newest(key, limit)
        return codec.decode_all(key, page.records)

    def _encode(self, messages: Iterable[ChatMessage]) -> list[Record]:
        """Encode all messages, or raise before anything is sent."""
        # Pydantic's models can be iterated, but over their fields.
        single = isinstance(messages, (BaseModel, str, bytes, Mapping))
        if single or not isinstance(messages, Iterable):
            text = (
                "messages must be a list of chatstore.core.ChatMessage, "
                f"not {describe_message(messages)}"
            )
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
