"""The JSON text of a head.

It is an object with names of one letter, since it is written with each change::

    v   the version of this format
    e   epoch            p   next position     m   entries of the index
    g   generation       n   next number       x   [written, lasts, created]
    s   stream           i   next node         r   requests, joined
    c   sequence         f   1: is_divided, 2: is_marked

These are absent if they are empty::

    u   unmarked         d   garbage           t   stagings
    l   [latest, skew]   o   refreshed         b   details
    k   the conversation's record: [owner, title, metadata, is_created, index_entry]

A reader refuses a version that it does not know: a later version may add names that a writer must
not lose.
"""

from __future__ import annotations

import json
import re
from typing import Any

from chatstore.conditional import entries as index
from chatstore.conditional.entries import checked_list, checked_numbers
from chatstore.conditional.head import NO_RECORD, Garbage, Head, Staging
from chatstore.core import CorruptStoreError, SchemaVersionError
from chatstore.core.backend import ConversationRecord

VERSION = 1
_NAME = re.compile(r"[0-9a-z]{13}")
_NAME_LENGTH = 13
_REQUIRED = 12  # fields


def dump_head(head: Head) -> str:
    """Return a head's text."""
    fields: dict[str, Any] = {
        "v": VERSION,
        "e": head.epoch,
        "g": head.generation,
        "s": head.stream,
        "p": head.next_position,
        "n": head.next_number,
        "i": head.next_node,
        "m": index.dump(head.entries),
        "x": [head.written, head.lasts, head.created],
        "r": "".join(head.requests),
        "c": head.sequence,
        "f": head.is_divided + 2 * head.is_marked,
    }
    if head.unmarked:
        fields["u"] = head.unmarked
    if head.garbage:
        fields["d"] = [list(item)[: None if item.has_messages else -1] for item in head.garbage]
    if head.stagings:
        fields["t"] = head.stagings
    if head.latest is not None:
        fields["l"] = [head.latest, head.skew]
    if head.refreshed is not None:
        fields["o"] = head.refreshed
    if head.details is not None:
        fields["b"] = head.details
    if head.record != NO_RECORD:
        fields["k"] = head.record
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def load_head(text: str) -> Head:
    """Return the head of a text.

    Raises:
        SchemaVersionError: A later version of this package wrote it.
        CorruptStoreError: The text is not one that `dump_head` returned.

    """
    try:
        fields = json.loads(text)
        [version] = checked_numbers([fields["v"]])
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
    epoch, generation, stream = _names(fields["e"], fields["g"], fields["s"])
    next_position, next_number, next_node, sequence, flags = checked_numbers(
        [fields["p"], fields["n"], fields["i"], fields["c"], fields["f"]]
    )
    written, lasts, created = _seconds(*fields["x"])
    requests = fields["r"]
    starts = range(0, len(requests), _NAME_LENGTH)
    head = Head(
        epoch,
        generation,
        stream,
        next_position,
        next_number,
        next_node,
        index.load(fields["m"]),
        written,
        lasts,
        _names(*(requests[start : start + _NAME_LENGTH] for start in starts)),
        sequence,
        bool(flags & 1),
        bool(flags & 2),
        created=created,
    )
    if len(fields) > _REQUIRED:
        head = _with_optional(head, fields)
    ranges = [entry.numbers for entry in head.entries]
    if index.length(head.entries) > head.next_position or any(
        end > head.next_number for _, end in ranges
    ):
        raise CorruptStoreError("it refers to more than was written")
    return head


def _with_optional(head: Head, fields: dict[str, Any]) -> Head:
    latest, skew = fields.get("l", (None, 0))
    details = fields.get("b")
    checked_numbers([value for value in (latest, skew, details) if value is not None])
    [refreshed] = _seconds(fields.get("o"))
    return head._replace(
        unmarked=tuple(_range(*item) for item in checked_list(fields.get("u", []))),
        garbage=tuple(_garbage(*item) for item in checked_list(fields.get("d", []))),
        stagings=tuple(_staging(*item) for item in checked_list(fields.get("t", []))),
        record=_record(*fields["k"]) if "k" in fields else NO_RECORD,
        details=details,
        refreshed=refreshed,
        latest=latest,
        skew=skew,
    )


def _names(*values: Any) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise CorruptStoreError("it has a value where a name is expected")
    return values


def _seconds(*values: Any) -> tuple[float | None, ...]:
    for value in values:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (is_number and abs(value) < 2**53):
            raise CorruptStoreError("it has a value where seconds are expected")
    return values


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise CorruptStoreError("it has a value where true or false is expected")


def _range(first: Any, end: Any) -> tuple[int, int]:
    checked_numbers([first, end])
    return first, end


def _record(
    owner: Any, title: Any, metadata: Any, is_created: Any, index_entry: Any
) -> ConversationRecord:
    for value in (owner, title, metadata, index_entry):
        if value is not None and not isinstance(value, str):
            raise CorruptStoreError("it has a value where text is expected")
    return ConversationRecord(owner, title, metadata, _flag(is_created), index_entry)


def _garbage(
    first: Any, end: Any, generation: Any, is_divided: Any, has_messages: Any = False
) -> Garbage:
    checked_numbers([first, end])
    if generation != "":
        _names(generation)
    return Garbage(first, end, generation, _flag(is_divided), _flag(has_messages))


def _staging(
    owner: Any, number: Any, size: Any, beat: Any, noticed: Any, is_divided: Any
) -> Staging:
    _names(owner)
    checked_numbers([number, size, beat])
    _seconds(noticed)
    return Staging(owner, number, size, beat, noticed, _flag(is_divided))
