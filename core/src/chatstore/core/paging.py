"""Where an iterator stands: the pages of messages and of keys, for both colours.

A part of ``ChatStore`` in a file of its own, which therefore uses the store's hooks.
"""
# ruff: noqa: SLF001 - see above

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar, Union

from chatstore.core import codec
from chatstore.core.checks import check_count, check_key, check_prefix
from chatstore.core.errors import (
    ConversationChangedError,
    CorruptMessageError,
    InvalidArgumentError,
)
from chatstore.core.messages import ChatMessage
from chatstore.core.records import StoredRecord

if TYPE_CHECKING:
    from chatstore.core.plans import Plan
    from chatstore.core.store import ChatStore

T_co = TypeVar("T_co", covariant=True)
OnCorrupt: TypeAlias = Union[  # noqa: UP007 - `|` does not take a string on Python 3.10
    Literal["raise", "skip"], Callable[[CorruptMessageError], "ChatMessage | None"]
]
MAX_PAGE_SIZE = 10_000  # an iterator must not become one huge read by a typing error


class Pager(Protocol[T_co]):
    """Reads something a page at a time, until it is done."""

    done: bool

    def next_page(self) -> Plan[list[Any]]:
        """Read the next items, as `resolve` takes them."""
        ...

    def resolve(self, items: list[Any]) -> Iterator[T_co]:
        """Yield the items that a caller gets."""
        ...


class MessagePager:
    """Reads a conversation a page at a time, by position."""

    def __init__(
        self, store: ChatStore, key: str, reverse: bool, page_size: int, on_corrupt: OnCorrupt
    ) -> None:
        """Check the arguments; nothing is read yet."""
        if not callable(on_corrupt) and on_corrupt not in ("raise", "skip"):
            message = "on_corrupt must be 'raise', 'skip' or a function"
            raise InvalidArgumentError(message)
        self._on_corrupt = on_corrupt
        self._store = store
        self._key = check_key(key)
        self._reverse = reverse
        self._page_size = min(MAX_PAGE_SIZE, check_count(page_size, "page_size", least=1))
        self._epoch: object | None = None
        self._position: int | None = None
        self.done = False

    def next_page(self) -> Plan[list[ChatMessage | CorruptMessageError]]:
        """Read the next messages, in the iterator's direction."""
        store, key, size, position = self._store, self._key, self._page_size, self._position
        if self._reverse:
            page = yield from store._read_newest(key, size, before=position)
        else:
            page = yield from store._read_oldest(key, size, after=position)
        if self._position is not None and page.epoch != self._epoch:
            message = (
                "the conversation was replaced or deleted, or had a message inserted, while it "
                "was read; iterate again"
            )
            raise ConversationChangedError(message)
        self._epoch = page.epoch
        self.done = len(page.records) < self._page_size
        records = page.records[::-1] if self._reverse else page.records
        if records:
            self._position = records[-1].position
        return self._decode(records)

    def _decode(self, records: Sequence[StoredRecord]) -> list[ChatMessage | CorruptMessageError]:
        try:
            return [*codec.decode_all(self._key, records)]
        except CorruptMessageError:
            if self._on_corrupt == "raise":
                raise
        items: list[ChatMessage | CorruptMessageError] = []
        for record in records:
            try:
                items.append(codec.decode(self._key, record.position, record.body))
            except CorruptMessageError as error:
                items.append(error)
        return items

    def resolve(self, items: list[ChatMessage | CorruptMessageError]) -> Iterator[ChatMessage]:
        """Yield the messages of a page, and what the caller's function makes of damaged ones.

        It is called here, outside of a plan, so that it may use the store.
        """
        for item in items:
            if not isinstance(item, CorruptMessageError):
                yield item
            elif callable(self._on_corrupt):
                replacement = self._on_corrupt(item)
                if replacement is not None:
                    yield replacement


class KeyPager:
    """Reads keys a page at a time, each once."""

    def __init__(self, store: ChatStore, prefix: str, page_size: int) -> None:
        """Check the arguments; nothing is read yet."""
        self._store = store
        self._prefix = check_prefix(prefix)
        self._page_size = min(MAX_PAGE_SIZE, check_count(page_size, "page_size", least=1))
        self._cursor: Any | None = None
        self.done = False

    def next_page(self) -> Plan[list[str]]:
        """Read the next keys."""
        page = yield from self._store._list_keys(self._prefix, self._page_size, self._cursor)
        self._cursor = page.cursor
        self.done = page.cursor is None
        return page.keys

    def resolve(self, items: list[str]) -> Iterator[str]:
        """Yield the keys."""
        return iter(items)
