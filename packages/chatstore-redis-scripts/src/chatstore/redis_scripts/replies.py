"""What the reading script answers, cut into records only where somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chatstore.core.backend import StoredRecord, StoredRecords
from chatstore.redis_scripts.layout import SEAL


class Part(NamedTuple):
    """What one script read.

    Attributes:
        epoch: ``None`` where there is no such conversation.
        cut: Changes when records go away or move.
        is_all: Whether none follows the last one.
        led: The positions of the first records, where asked for.
        places: Those of the others, in the direction of reading.
        texts: The sealed bodies of both, many in each, with line breaks between them.

    """

    epoch: str | None
    cut: str | None
    is_all: bool
    led: Sequence[int]
    places: Sequence[int]
    texts: Sequence[str]

    def records(self) -> tuple[Sequence[StoredRecord], Sequence[StoredRecord]]:
        """Return the first records, and the others."""
        stored = [one for text in self.texts for one in text.split("\n")]
        count = len(self.led)
        return (
            StoredRecords(self.led, stored[:count], tail=SEAL),
            StoredRecords(self.places, stored[count:], tail=SEAL),
        )


def read_reply(reply: Sequence[str], step: int) -> Part:
    """Return what a reply says; its positions go up or down by a step where none is missing."""
    if not reply:
        return Part(None, None, is_all=True, led=(), places=(), texts=())
    epoch, cut, extent, first, others, *texts = reply
    return Part(epoch, cut, extent == "all", _positions(first, 1), _positions(others, step), texts)


def _positions(text: str, step: int) -> Sequence[int]:
    """Return single positions, or those that follow one: ``<position>*<how many>``."""
    first, star, count = text.partition("*")
    if star:
        start = int(first)
        return range(start, start + step * int(count), step)
    return [int(position) for position in text.split()]
