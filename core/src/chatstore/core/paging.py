"""Where an iterator stands: the pages of messages and of keys, for both colours.

A part of ``ChatStore`` in a file of its own, which therefore uses the store's hooks.
"""
# ruff: noqa: SLF001 - see above

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chatstore.core import codec
from chatstore.core.checks import check_count, check_key, check_prefix
from chatstore.core.errors import ConversationChangedError

if TYPE_CHECKING:
    from chatstore.core.messages import ChatMessage
    from chatstore.core.plans import Plan
    from chatstore.core.store import ChatStore

T = TypeVar("T")
MAX_PAGE_SIZE = 10_000  # an iterator must not become one huge read by a typing error


class Pager(Protocol[T]):
    """Reads something a page at a time, until it is done."""

    done: bool

    def next_page(self) -> Plan[list[T]]:
        """Read the next items."""
        ...


class MessagePager:
    """Reads a conversation a page at a time, by position."""

    def __init__(self, store: ChatStore, key: str, *, reverse: bool, page_size: int) -> None:
        """Check the arguments; nothing is read yet."""
        self._store = store
        self._key = check_key(key)
        self._reverse = reverse
        self._page_size = min(MAX_PAGE_SIZE, check_count(page_size, "page_size", least=1))
        self._epoch: object | None = None
        self._position: int | None = None
        self.done = False

    def next_page(self) -> Plan[list[ChatMessage]]:
        """Read the next messages, in the iterator's direction."""
        store, key, size, position = self._store, self._key, self._page_size, self._position
        if self._reverse:
            page = yield from store._read_newest(key, size, before=position)
        else:
            page = yield from store._read_oldest(key, size, after=position)
        if self._position is not None and page.epoch != self._epoch:
            message = f"the conversation {self._key!r} was replaced while it was read"
            raise ConversationChangedError(message)
        self._epoch = page.epoch
        self.done = len(page.records) < self._page_size
        records = page.records[::-1] if self._reverse else page.records
        if records:
            self._position = records[-1].position
        return codec.decode_all(self._key, records)


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
