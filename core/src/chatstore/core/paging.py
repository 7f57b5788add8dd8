"""Pagers: how far an iterator over messages or keys has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, Union

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest, Oldest
from chatstore.core.backend.records import StoredRecord
from chatstore.core.checks import check_count, check_key, check_prefix
from chatstore.core.errors import (
    ConversationChangedError,
    CorruptMessageError,
    InvalidArgumentError,
)
from chatstore.core.messages import ChatMessage

T_co = TypeVar("T_co", covariant=True)
OnCorrupt: TypeAlias = Union[  # noqa: UP007 - `|` does not take a string on Python 3.10
    Literal["raise", "skip"], Callable[[CorruptMessageError], "ChatMessage | None"]
]
MAX_PAGE_SIZE = 10_000  # a mistyped page size must not cause one huge read


class Pager(Protocol[T_co]):
    """Reads items a page at a time.

    Attributes:
        done: No page is left.
        key: The key, or the beginning of keys, for logs.

    """

    done: bool
    key: str

    def next_page(self, backend: Backend[Any], key: str) -> Plan[Any, list[Any]]:
        """Read the next items, in the form that `resolve` takes."""
        ...

    def resolve(self, items: list[Any]) -> Iterator[T_co]:
        """Yield the items for the caller."""
        ...


class MessagePager:
    """Reads a conversation a page at a time, by position."""

    def __init__(
        self,
        backend: Backend[Any],  # noqa: ARG002 - all pagers are made in the same way
        key: str,
        *,
        reverse: bool,
        page_size: int,
        on_corrupt: OnCorrupt,
    ) -> None:
        """Check the arguments; nothing is read yet."""
        if not callable(on_corrupt) and on_corrupt not in ("raise", "skip"):
            raise InvalidArgumentError("on_corrupt must be 'raise', 'skip' or a function")
        self.key = check_key(key)
        self.done = False
        self._on_corrupt = on_corrupt
        self._reverse = reverse
        self._page_size = min(MAX_PAGE_SIZE, check_count(page_size, "page_size", least=1))
        self._epoch: object | None = None
        self._position: int | None = None

    def next_page(
        self, backend: Backend[Any], key: str
    ) -> Plan[Any, list[ChatMessage | CorruptMessageError]]:
        """Read the next messages, in the iterator's direction."""
        if self._reverse:
            page = yield from backend.read_newest(key, Newest(self._page_size, self._position))
        else:
            page = yield from backend.read_oldest(key, Oldest(self._page_size, self._position))
        if self._position is not None and page.epoch != self._epoch:
            raise ConversationChangedError(
                "the conversation was replaced or deleted, or had a message inserted, while it "
                "was read; iterate again"
            )
        self._epoch = page.epoch
        self.done = len(page.records) < self._page_size
        records = page.records[::-1] if self._reverse else page.records
        if records:
            self._position = records[-1].position
        return self._decode(records)

    def resolve(self, items: list[ChatMessage | CorruptMessageError]) -> Iterator[ChatMessage]:
        """Yield the messages of a page, and what the caller's function returns for damaged ones.

        The function is called here, outside of a plan, so that it can use the store.
        """
        for item in items:
            if not isinstance(item, CorruptMessageError):
                yield item
            elif callable(self._on_corrupt):
                replacement = self._on_corrupt(item)
                if replacement is not None:
                    yield replacement

    def _decode(self, records: Sequence[StoredRecord]) -> list[ChatMessage | CorruptMessageError]:
        try:
            return [*codec.decode_all(self.key, records)]
        except CorruptMessageError:
            if self._on_corrupt == "raise":
                raise
        items: list[ChatMessage | CorruptMessageError] = []
        for record in records:
            try:
                items.append(codec.decode(self.key, record.position, record.body))
            except CorruptMessageError as error:
                items.append(error)
        return items


class KeyPager:
    """Reads keys a page at a time, each once."""

    def __init__(
        self,
        backend: Backend[Any],  # noqa: ARG002 - all pagers are made in the same way
        prefix: str,
        page_size: int,
    ) -> None:
        """Check the arguments; nothing is read yet."""
        self.key = check_prefix(prefix)
        self.done = False
        self._page_size = min(MAX_PAGE_SIZE, check_count(page_size, "page_size", least=1))
        self._cursor: Any | None = None

    def next_page(self, backend: Backend[Any], key: str) -> Plan[Any, list[str]]:
        """Read the next keys."""
        page = yield from backend.list_keys(key, self._page_size, self._cursor)
        self._cursor = page.cursor
        self.done = page.cursor is None
        return page.keys

    def resolve(self, items: list[str]) -> Iterator[str]:
        """Yield the keys."""
        return iter(items)
