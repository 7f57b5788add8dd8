"""Replies of the reading script; bodies are separated only when they are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chatstore.core.backend import StoredRecord, StoredRecords
from chatstore.redis_scripts.layout import SEAL


class Part(NamedTuple):
    """What one script read.

    Attributes:
        epoch: ``None`` if the conversation does not exist.
        cut: Changes when records are removed or moved.
        is_all: Whether no records follow the last one.
        leading: The positions of the first records, if they were requested.
        positions: The positions of the other records, in the direction of reading.
        bodies: The sealed bodies of both, many in each text, separated by line breaks.
        conversation: The conversation's fields, if they were requested.

    """

    epoch: str | None
    cut: str | None
    is_all: bool
    leading: Sequence[int]
    positions: Sequence[int]
    bodies: Sequence[str]
    conversation: Sequence[str | None] | None = None

    def records(self) -> tuple[Sequence[StoredRecord], Sequence[StoredRecord]]:
        """Return the first records, and the others."""
        stored = [body for text in self.bodies for body in text.split("\n")]
        count = len(self.leading)
        return (
            StoredRecords(self.leading, stored[:count], tail=SEAL),
            StoredRecords(self.positions, stored[count:], tail=SEAL),
        )


def read_reply(reply: Sequence[Any], step: int) -> Part:
    """Return the parts of a reply; consecutive positions differ by ``step``."""
    if not reply:
        return Part(None, None, is_all=True, leading=(), positions=(), bodies=())
    epoch, cut, extent, leading, others, conversation, *bodies = reply
    return Part(
        epoch,
        cut,
        extent == "all",
        _positions(leading, 1),
        _positions(others, step),
        bodies,
        conversation,
    )


def _positions(text: str, step: int) -> Sequence[int]:
    """Return single positions, or consecutive ones: ``<first position>*<count>``."""
    first, star, count = text.partition("*")
    if star:
        start = int(first)
        return range(start, start + step * int(count), step)
    return [int(position) for position in text.split()]
