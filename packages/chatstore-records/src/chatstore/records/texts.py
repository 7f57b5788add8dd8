"""How messages are written into records: cut into parts where they are too large.

A record is ``<parts>[*]|<body>``: the number of parts, a star where a marker of its id stands
beside it, and the first part. The further parts are records of their own, without anything before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from chatstore.core.records import Record
from chatstore.records.head import Segment

_ROOM = 16  # characters before the body


class Stored(NamedTuple):
    """What stands before the body of a record, and the body or its first part."""

    parts: int
    is_marked: bool
    body: str


def record_id(segment: Segment, position: int, part: int = 0) -> str:
    """Return the id of a record, or of a further part of it."""
    return f"{segment.name}.{position - segment.shift:x}" + (f".{part:x}" if part else "")


def marker_id(generation: str, message_id: str) -> str:
    """Return the id of the marker that a conversation has for a message's id."""
    digest = hashlib.blake2b(message_id.encode(), digest_size=20).hexdigest()
    return f"{generation}-{digest}"


def dump(record: Record, *, is_marked: bool, size: int, weigh: Callable[[str], int]) -> list[str]:
    """Return the texts of a record: one, or parts of at most so many bytes."""
    pieces = list(_pieces(record.body, size, weigh))
    star = "*" if is_marked else ""
    return [f"{len(pieces)}{star}|{pieces[0]}", *pieces[1:]]


def load(text: str | None) -> Stored:
    """Return what a record's text says; of a text that is none, that it has one part."""
    before, bar, body = (text or "").partition("|")
    parts = before.rstrip("*")
    if not bar or not parts.isdecimal():
        return Stored(1, is_marked=False, body=text or "")
    return Stored(max(1, int(parts)), before.endswith("*"), body)


def _pieces(body: str, size: int, weigh: Callable[[str], int]) -> Iterator[str]:
    step = max(1, size - _ROOM)  # characters: each weighs one byte at least
    at = 0
    while at < len(body) or at == 0:
        piece = body[at : at + step]
        # A quarter less at each try: few tries, and parts that are not far from full.
        while weigh(piece) > size - _ROOM and len(piece) > 1:
            piece = piece[: len(piece) * 3 // 4]
        yield piece
        at += max(1, len(piece))
