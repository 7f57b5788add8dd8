"""Reading a window: pages from the newest end until the token limit is reached."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.records import StoredRecord
from chatstore.core.memory.leading import (
    LEADING,
    Decoder,
    pinned_of,
    position_after,
    positions_of,
    read_leading,
)
from chatstore.core.memory.page_sizes import LARGEST_PAGE, first_page_size, remember
from chatstore.core.memory.starts import LEAST_FILL
from chatstore.core.memory.summaries import is_summary
from chatstore.core.memory.window import Cut, Window
from chatstore.core.messages import ChatMessage
from chatstore.core.tokens import TokenCounter
from chatstore.core.tool_calls import is_empty_answer

_ATTEMPTS = 3  # page by page, before the whole conversation is read at one moment
_SMALLEST_BATCH = 8  # records that are decoded at a time, beyond the first half of a page


class WindowResult(NamedTuple):
    """A window, oldest first, and whether it fits the token limit."""

    messages: list[ChatMessage]
    fits: bool


class WindowReader:
    """Reads windows."""

    def __init__(self, counter: TokenCounter, cut: Cut = "steps") -> None:
        """Take what counts tokens, and how windows are cut."""
        self._counter = counter
        self._cut: Cut = cut

    def read(self, backend: Backend[Any], key: str, room: int) -> Plan[Any, WindowResult]:
        """Read the newest part of a conversation that has at most ``room`` tokens."""
        for _ in range(_ATTEMPTS):
            result = yield from self._read_pages(backend, key, room)
            if result is not None:
                return result
        # Replaced again and again while it was read: read all of it at one moment.
        page = yield from backend.read_newest(key, Newest())
        decoder = Decoder(key)
        pinned = pinned_of(decoder.decode_leading(page.records))
        choice = self._begin(room, pinned)
        choice.feed(page.records[len(pinned) :], decoder)
        return self._end(backend, key, choice)

    def _read_pages(
        self, backend: Backend[Any], key: str, room: int
    ) -> Plan[Any, WindowResult | None]:
        """Read pages from the newest end; ``None`` if it was replaced between two pages."""
        size = first_page_size(backend, key, room)
        decoder = Decoder(key)
        page = yield from backend.read_newest(key, Newest(size, leading=LEADING))
        epoch, records = page.epoch, page.records
        page = yield from read_leading(backend, key, page, decoder)
        pinned = pinned_of(decoder.decode_leading(page.leading))
        start = position_after(page.leading, len(pinned))
        choice = self._begin(room, pinned)
        while page.epoch == epoch:
            positions = positions_of(records)
            first = bisect_left(positions, start)
            choice.feed(records[first:], decoder)
            is_begin = first > 0 or len(records) < size or positions[0] <= start
            if choice.window.enough or is_begin:
                return self._end(backend, key, choice)
            size = min(LARGEST_PAGE, 2 * size)
            page = yield from backend.read_newest(key, Newest(size, positions[0]))
            records = page.records
        return None

    def _begin(self, room: int, pinned: list[ChatMessage]) -> _Choice:
        return _Choice(self._counter, self._cut, room, pinned)

    def _end(self, backend: Backend[Any], key: str, choice: _Choice) -> WindowResult:
        choice.window.finish()
        remember(backend, key, choice.counted.messages, choice.counted.tokens)
        return WindowResult([*choice.pinned, *choice.window.messages()], choice.window.fits)


class _Choice:
    """A window that is being chosen, and what was counted for it."""

    def __init__(
        self, counter: TokenCounter, cut: Cut, room: int, pinned: list[ChatMessage]
    ) -> None:
        self.pinned = pinned
        self.counted = _Counted(counter)
        self._counter = counter
        taken = sum(map(counter.count, pinned))
        least = math.ceil(LEAST_FILL * room) - taken
        self.window = Window(room - taken, self.counted.count, least=least, cut=cut)

    def feed(self, records: Sequence[StoredRecord], decoder: Decoder) -> None:
        """Decode records and add their messages, newest first, until there are enough."""
        end, size = len(records), max(_SMALLEST_BATCH, len(records) // 2)
        while end > 0 and not self.window.enough:
            batch = records[max(0, end - size) : end]
            messages, positions = decoder.decode(batch), positions_of(batch)
            for message, position in zip(reversed(messages), reversed(positions), strict=True):
                if self.window.enough:
                    break
                if is_summary(message):
                    self.window.finish_with(message)
                    break
                if is_empty_answer(message) and self._counter.payload(message) is None:
                    continue  # providers refuse empty messages
                self.window.add(message, position)
            end, size = end - size, _SMALLEST_BATCH


class _Counted:
    """How many messages were counted, and their tokens.

    A method of `_Choice` would make a cycle with its window: all decoded messages would stay in
    memory until the garbage collector runs, and each window would use new memory.
    """

    def __init__(self, counter: TokenCounter) -> None:
        self.messages = self.tokens = 0
        self._counter = counter

    def count(self, message: ChatMessage) -> int:
        tokens = self._counter.count(message)
        self.messages, self.tokens = self.messages + 1, self.tokens + tokens
        return tokens
