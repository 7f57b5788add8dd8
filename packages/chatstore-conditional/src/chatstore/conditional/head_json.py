"""The JSON text of a head.

It is an object with names of one letter, since it is written with each change::

    v   the version of this format
    e   epoch            p   next position     m   entries of the index
    g   generation       n   next number       x   [written, lasts]
    s   stream           i   next node         r   requests, joined
    c   sequence         f   1: is_divided, 2: is_marked

    u   unmarked, d   garbage, t   stagings, k   the conversation's record: absent if empty

A reader refuses a version that it does not know: a later version may add names that a writer must
not lose.
"""

from __future__ import annotations

import json
import re
from typing import Any

from chatstore.conditional import entries as index
from chatstore.conditional.entries import checked_list, checked_number
from chatstore.conditional.head import Garbage, Head, Staging
from chatstore.core import CorruptStoreError, SchemaVersionError

VERSION = 1
_NAME = re.compile(r"[0-9a-z]{13}")
_NAME_LENGTH = 13


def dump_head(head: Head) -> str:
    """Return a head's text."""
    fields: dict[str, Any] = {
        "v": VERSION,
        "e": head.epoch,
        "g": head.generation,
        "s": head.stream,
        "p": head.next,
        "n": head.numbers,
        "i": head.nodes,
        "m": index.dump(head.entries),
        "x": [head.written, head.lasts],
        "r": "".join(head.requests),
        "c": head.sequence,
        "f": head.is_divided + 2 * head.is_marked,
    }
    if head.unmarked:
        fields["u"] = head.unmarked
    if head.garbage:
        fields["d"] = head.garbage
    if head.stagings:
        fields["t"] = head.stagings
    if head.record is not None:
        fields["k"] = head.record
    return json.dumps(fields, separators=(",", ":"))


def load_head(text: str) -> Head:
    """Return the head of a text.

    Raises:
        SchemaVersionError: A later version of this package wrote it.
        CorruptStoreError: The text is not one that `dump_head` returned.

    """
    try:
        fields = json.loads(text)
        version = checked_number(fields["v"])
        if version != VERSION:
            raise SchemaVersionError(
                f"a conversation's head has version {version}, this package reads {VERSION}; "
                "install the version of chatstore that wrote it"
            )
        return _head(fields)
    except CorruptStoreError as error:
        raise CorruptStoreError(f"a conversation's head is damaged: {error}") from None
    except (ValueError, TypeError, LookupError, RecursionError):
        raise CorruptStoreError(
            "a conversation's head is damaged: it is not what this package writes"
        ) from None


def _head(fields: dict[str, Any]) -> Head:
    written, lasts = (_seconds(value) for value in fields["x"])
    flags = checked_number(fields["f"])
    requests = fields["r"]
    head = Head(
        _name(fields["e"]),
        _name(fields["g"]),
        _name(fields["s"]),
        checked_number(fields["p"]),
        checked_number(fields["n"]),
        checked_number(fields["i"]),
        index.load(fields["m"]),
        written,
        lasts,
        tuple(
            _name(requests[at : at + _NAME_LENGTH]) for at in range(0, len(requests), _NAME_LENGTH)
        ),
        checked_number(fields["c"]),
        bool(flags & 1),
        bool(flags & 2),
        tuple((checked_number(a), checked_number(b)) for a, b in checked_list(fields.get("u", []))),
        tuple(_garbage(*item) for item in checked_list(fields.get("d", []))),
        tuple(_staging(*item) for item in checked_list(fields.get("t", []))),
        _object(fields.get("k")),
    )
    ranges = [entry.numbers for entry in head.entries]
    if index.length(head.entries) > head.next or any(end > head.numbers for _, end in ranges):
        raise CorruptStoreError("it refers to more than was written")
    return head


def _name(value: Any) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise CorruptStoreError("it has a value where a name is expected")


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    raise CorruptStoreError("it has a value where seconds are expected")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise CorruptStoreError("it has a value where true or false is expected")


def _object(value: Any) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise CorruptStoreError("it has a value where an object is expected")


def _garbage(first: Any, end: Any, generation: Any, is_divided: Any) -> Garbage:
    name = _name(generation) if generation != "" else ""
    return Garbage(checked_number(first), checked_number(end), name, _flag(is_divided))


def _staging(
    owner: Any, number: Any, size: Any, beat: Any, noticed: Any, is_divided: Any
) -> Staging:
    return Staging(
        _name(owner),
        checked_number(number),
        checked_number(size),
        checked_number(beat),
        _seconds(noticed),
        _flag(is_divided),
    )
