"""The leading system and developer messages of a conversation, which every window has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.records import Page, StoredRecord
from chatstore.core.memory.window import PINNED_ROLES
from chatstore.core.messages import ChatMessage

LEADING = 2
"""How many first messages to read: one that is pinned is usual; the second is not pinned."""


class Decoder:
    """Decodes records, each once: the first ones of a conversation may be read twice."""

    def __init__(self, key: str) -> None:
        """Decode the records of a conversation."""
        self._key = key
        self._leading: dict[int, ChatMessage] = {}

    def decode_leading(self, records: Sequence[StoredRecord]) -> list[ChatMessage]:
        """Decode the first records of the conversation, and remember them."""
        new = [record for record in records if record.position not in self._leading]
        for record, message in zip(new, codec.decode_all(self._key, new), strict=True):
            self._leading[record.position] = message
        return [self._leading[record.position] for record in records]

    def decode(self, records: Sequence[StoredRecord]) -> list[ChatMessage]:
        """Decode records, oldest first."""
        known: list[ChatMessage] = []
        for record in records:
            message = self._leading.get(record.position)
            if message is None:
                break
            known.append(message)
        return known + codec.decode_all(self._key, records[len(known) :])


def read_leading(backend: Backend[Any], key: str, page: Page, decoder: Decoder) -> Plan[Any, Page]:
    """Read on until the page's leading messages include one that is not pinned."""
    requested = LEADING
    while len(page.leading) == requested == len(pinned_of(decoder.decode_leading(page.leading))):
        requested *= 2
        page = yield from backend.read_newest(key, Newest(1, leading=requested))
    return page


def pinned_of(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Return the leading system and developer messages."""
    return list(takewhile(lambda message: message.role in PINNED_ROLES, messages))


def position_after(leading: Sequence[StoredRecord], pinned: int) -> int:
    """Return the position of the first message that is not pinned."""
    if pinned < len(leading):
        return leading[pinned].position
    return leading[-1].position + 1 if leading else 0
