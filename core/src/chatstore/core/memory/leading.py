"""The leading system and developer messages of a conversation, which every window has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.records import Page, StoredRecord, StoredRecords
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
        positions = positions_of(records)
        known = next(
            (n for n, position in enumerate(positions) if position not in self._leading),
            len(positions),
        )
        messages = codec.decode_all(self._key, records[known:])
        self._leading.update(zip(positions[known:], messages, strict=True))
        return [self._leading[position] for position in positions]

    def decode(self, records: Sequence[StoredRecord]) -> list[ChatMessage]:
        """Decode records, oldest first."""
        known: list[ChatMessage] = []
        for position in positions_of(records):
            message = self._leading.get(position)
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


def positions_of(records: Sequence[StoredRecord]) -> Sequence[int]:
    """Return the positions of records, without looking at their bodies."""
    if isinstance(records, StoredRecords):
        return records.positions
    return [record.position for record in records]


def position_after(leading: Sequence[StoredRecord], pinned: int) -> int:
    """Return the position of the first message that is not pinned."""
    if pinned < len(leading):
        return positions_of(leading)[pinned]
    return positions_of(leading)[-1] + 1 if leading else 0
