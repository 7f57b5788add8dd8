"""How messages are stored in records: divided into parts if they are too large for one.

A message's first record is ``<parts>[*<request>]|<body>``: the number of parts, a star if the
message's id has a marker, and the first part of the body. Further parts are records of their own,
without this prefix. Two requests may write the same message with the same id, so the star is
followed by the id of the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_MAX_PREFIX = 32  # bytes
_PREFIX = re.compile(r"([1-9][0-9]{0,4})(\*[0-9a-z]{13})?\|")


class StoredMessage(NamedTuple):
    """A stored message, or its first record.

    Attributes:
        parts: The number of parts.
        is_marked: Whether the message's id has a marker.
        body: The body; of a first record, the first part of it.

    """

    parts: int
    is_marked: bool
    body: str

    @property
    def id(self) -> str | None:
        """The message's id; ``None`` if the body is damaged."""
        try:
            message_id = json.loads(self.body)["id"]
        except (ValueError, TypeError, LookupError, RecursionError):
            return None
        return message_id if isinstance(message_id, str) else None


def divide(body: str, *, size: int, weigh: Callable[[str], int]) -> list[str]:
    """Return the parts of a body.

    Args:
        body: The body.
        size: The most bytes of a record.
        weigh: Returns the bytes that the database counts for a text.

    """
    room = size - _MAX_PREFIX
    if weigh(body) <= room:
        return [body]
    step = max(1, room)  # characters: each has at least one byte
    parts = []
    start = 0
    while start < len(body):
        part = body[start : start + step]
        # A quarter less at each attempt: few attempts, and parts that are nearly full.
        while weigh(part) > room and len(part) > 1:
            part = part[: len(part) * 3 // 4]
        parts.append(part)
        start += len(part)
    return parts or [body]


def dump_first_part(parts: Sequence[str], request: str | None) -> str:
    """Return a message's first record; with ``request``, the message's id has a marker."""
    star = "" if request is None else f"*{request}"
    return f"{len(parts)}{star}|{parts[0]}"


def load_first_part(text: str) -> StoredMessage:
    """Parse a message's first record. Text without the prefix is a body in one part."""
    prefix = _PREFIX.match(text)
    if prefix is None:
        return StoredMessage(1, is_marked=False, body=text)
    return StoredMessage(int(prefix[1]), bool(prefix[2]), text[prefix.end() :])
