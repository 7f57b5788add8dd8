"""How messages are written into records: cut into parts where they are too large.

A record is ``<parts>[*<request>]|<body>``: the number of parts, a star where the message's id has a
marker, and the first part of the body. Further parts are records of their own, without a prefix.
Two requests may write the same message with the same id, so the star is followed by the request's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from chatstore.core.backend import Record

_ROOM = 32  # characters before the body
_PREFIX = re.compile(r"([1-9][0-9]{0,4})(\*[0-9a-z]{13})?\|")


class Stored(NamedTuple):
    """What stands before the body of a record, and the body or its first part."""

    parts: int
    is_marked: bool
    body: str


def cut(record: Record, *, size: int, weigh: Callable[[str], int]) -> list[str]:
    """Return the body of a message in parts, which leave room for the prefix in ``size`` bytes."""
    return list(_pieces(record.body, size, weigh))


def first_part(parts: Sequence[str], request: str | None) -> str:
    """Return the text of a message's first record; ``request``: it has a marker."""
    star = "" if request is None else f"*{request}"
    return f"{len(parts)}{star}|{parts[0]}"


def load(text: str) -> Stored:
    """Parse a stored record. Text without the prefix is returned as a body of one part."""
    prefix = _PREFIX.match(text)
    if prefix is None:
        return Stored(1, is_marked=False, body=text)
    return Stored(int(prefix[1]), bool(prefix[2]), text[prefix.end() :])


def id_of(text: str) -> str | None:
    """Return the message's id of a record's text; ``None``: the text cannot be read."""
    try:
        found = json.loads(load(text).body)["id"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return found if isinstance(found, str) else None


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
