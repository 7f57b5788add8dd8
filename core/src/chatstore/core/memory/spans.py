"""Reading what a summary could cover: the messages since the newest summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.records import StoredRecord
from chatstore.core.memory.leading import (
    LEADING,
    Decoder,
    pinned_of,
    position_after,
    read_leading,
)
from chatstore.core.memory.summaries import is_summary
from chatstore.core.messages import ChatMessage

_ATTEMPTS = 3  # page by page, before the whole conversation is read at one moment
_SMALLEST_PAGE, _LARGEST_PAGE = 64, 1000


class Span(NamedTuple):
    """The newest messages of a conversation.

    Attributes:
        pinned: The leading system and developer messages.
        summary: The newest summary, or ``None``.
        messages: All messages behind the summary, or behind the pinned ones.
        bodies: The stored text of the summary and these messages.
        length: The number of all messages of the conversation.
        revision: The conversation's revision; ``None``: it does not exist.

    """

    pinned: list[ChatMessage]
    summary: ChatMessage | None
    messages: list[ChatMessage]
    bodies: list[str]
    length: int
    revision: str | None

    @property
    def start(self) -> int:
        """The index in the conversation of the first message behind the summary."""
        return self.length - len(self.messages)


def read_span(backend: Backend[Any], key: str) -> Plan[Any, Span]:
    """Read the messages since the newest summary."""
    for _ in range(_ATTEMPTS):
        span = yield from _read_pages(backend, key)
        if span is not None:
            return span
    page = yield from backend.read_newest(key, Newest(with_conversation=True))
    pinned = pinned_of(codec.decode_all(key, page.records))
    tail = _Tail(key)
    tail.add(page.records[len(pinned) :])
    stored = page.conversation
    if stored is None:
        return tail.span(pinned, 0, None)
    return tail.span(pinned, stored.length, stored.revision)


def _read_pages(backend: Backend[Any], key: str) -> Plan[Any, Span | None]:
    """Read pages from the newest end; ``None`` if it was replaced between two pages."""
    size = _SMALLEST_PAGE
    read = Newest(size, leading=LEADING, with_conversation=True)
    page = yield from backend.read_newest(key, read)
    epoch, records, stored = page.epoch, page.records, page.conversation
    tail = _Tail(key)
    if stored is None:
        return tail.span([], 0, None)
    decoder = Decoder(key)
    page = yield from read_leading(backend, key, page, decoder)
    pinned = pinned_of(decoder.decode_leading(page.leading))
    start = position_after(page.leading, len(pinned))
    while page.epoch == epoch:
        unpinned = [record for record in records if record.position >= start]
        tail.add(unpinned)
        if tail.summary or len(unpinned) < size or unpinned[0].position <= start:
            return tail.span(pinned, stored.length, stored.revision)
        size = min(_LARGEST_PAGE, 2 * size)
        page = yield from backend.read_newest(key, Newest(size, unpinned[0].position))
        records = page.records
    return None


class _Tail:
    """Takes pages, newest first, up to the newest summary."""

    def __init__(self, key: str) -> None:
        self.summary: ChatMessage | None = None
        self._key = key
        self._messages: list[ChatMessage] = []
        self._bodies: list[str] = []

    def add(self, records: Sequence[StoredRecord]) -> None:
        messages = codec.decode_all(self._key, records)
        start = 0
        for index in range(len(messages) - 1, -1, -1):
            if is_summary(messages[index]):
                self.summary, start = messages[index], index + 1
                break
        self._messages = [*messages[start:], *self._messages]
        used = records[start - 1 if start else 0 :]
        self._bodies = [*(record.body for record in used), *self._bodies]

    def span(self, pinned: list[ChatMessage], length: int, revision: str | None) -> Span:
        return Span(pinned, self.summary, self._messages, self._bodies, length, revision)


def read_recent(backend: Backend[Any], key: str) -> Plan[Any, list[ChatMessage]]:
    """Read the pinned messages, the newest summary and all later messages.

    Raises:
        CorruptMessageError: A message cannot be read.

    """
    span = yield from read_span(backend, key)
    return [*span.pinned, *([] if span.summary is None else [span.summary]), *span.messages]
