"""Reading a window: pages from the newest end until the token limit is reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.records import Page, StoredRecord
from chatstore.core.memory.window import PINNED_ROLES, Window
from chatstore.core.messages import ChatMessage
from chatstore.core.tokens import TokenCounter
from chatstore.core.tool_calls import is_empty_answer

_ATTEMPTS = 3  # page by page, before the whole conversation is read at one moment
_LEADING = 2  # one pinned message is usual; the second shows that there are no more
_SMALLEST_PAGE, _LARGEST_PAGE = 8, 1000
_FIRST_GUESS = 100.0  # tokens per message, until messages were counted


class WindowResult(NamedTuple):
    """A window, oldest first, and whether it fits the token limit."""

    messages: list[ChatMessage]
    fits: bool


class WindowReader:
    """Reads windows; remembers how long messages are, to guess the size of the first page."""

    def __init__(self, counter: TokenCounter) -> None:
        """Take what counts tokens."""
        self._counter = counter
        self._tokens_per_message = _FIRST_GUESS

    def read(self, backend: Backend[Any], key: str, room: int) -> Plan[Any, WindowResult]:
        """Read the newest part of a conversation that has at most ``room`` tokens."""
        for _ in range(_ATTEMPTS):
            result = yield from self._read_pages(backend, key, room)
            if result is not None:
                return result
        # Replaced again and again while it was read: read all of it at one moment.
        page = yield from backend.read_newest(key, Newest())
        messages = codec.decode_all(key, page.records)
        pinned = _pinned(messages)
        window = self._begin(room, pinned)
        self._feed(window, messages[len(pinned) :])
        window.finish()
        return WindowResult(pinned + window.messages(), window.fits)

    def _read_pages(
        self, backend: Backend[Any], key: str, room: int
    ) -> Plan[Any, WindowResult | None]:
        """Read pages from the newest end; ``None`` if the conversation was replaced meanwhile."""
        size = self._page_size(room)
        page = yield from backend.read_newest(key, Newest(size, leading=_LEADING))
        epoch, records = page.epoch, page.records
        page = yield from _read_leading(backend, key, page)
        pinned = _pinned(codec.decode_all(key, page.leading))
        start = _position_after(page.leading, len(pinned))
        window = self._begin(room, pinned)
        while page.epoch == epoch:
            unpinned = [record for record in records if record.position >= start]
            self._feed(window, codec.decode_all(key, unpinned))
            if len(unpinned) < size or unpinned[0].position <= start:
                window.finish()
            if window.enough:
                return WindowResult(pinned + window.messages(), window.fits)
            size = min(_LARGEST_PAGE, 2 * size)
            page = yield from backend.read_newest(key, Newest(size, unpinned[0].position))
            records = page.records
        return None

    def _begin(self, room: int, pinned: Sequence[ChatMessage]) -> Window:
        count = self._counter.count
        return Window(room - sum(map(count, pinned)), count)

    def _feed(self, window: Window, messages: Sequence[ChatMessage]) -> None:
        """Add messages, newest first, until there are enough; note how long they are."""
        counts = []
        for message in reversed(messages):
            if window.enough:
                break
            if is_empty_answer(message) and self._counter.payload(message) is None:
                continue  # providers refuse empty messages
            counts.append(self._counter.count(message))
            window.add(message, counts[-1])
        if counts:
            self._tokens_per_message = max(1.0, sum(counts) / len(counts))

    def _page_size(self, room: int) -> int:
        """Return a number of messages that probably just exceeds the room."""
        likely = int(max(0, room) / self._tokens_per_message * 1.25) + 4
        return max(_SMALLEST_PAGE, min(_LARGEST_PAGE, likely))


def _read_leading(backend: Backend[Any], key: str, page: Page) -> Plan[Any, Page]:
    """Read on until the leading messages include one that is not pinned."""
    requested = _LEADING
    while len(page.leading) == requested == len(_pinned(codec.decode_all(key, page.leading))):
        requested *= 2
        page = yield from backend.read_newest(key, Newest(1, leading=requested))
    return page


def _pinned(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Return the leading system and developer messages."""
    return list(takewhile(lambda message: message.role in PINNED_ROLES, messages))


def _position_after(leading: Sequence[StoredRecord], pinned: int) -> int:
    """Return the position of the first message that is not pinned."""
    if pinned < len(leading):
        return leading[pinned].position
    return leading[-1].position + 1 if leading else 0
