"""The head of a conversation: what a reader may see is what it names, nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from chatstore.conditional import entries as index
from chatstore.conditional.entries import Entry, checked_list, checked_number
from chatstore.conditional.names import new_name
from chatstore.core import CorruptStoreError, SchemaVersionError

VERSION = 1
EMPTY_LIFETIME = 259_200.0
"""Seconds for which a head stays that names nothing: 3 days.

No request arrives as late as that, not even if the clock that decides is a day fast.
"""

REMEMBERED = 24
"""Requests that a head remembers; a writer that comes later looks for what its request wrote."""

_NEAR = 1000  # numbers between two ranges that are discarded as one
_NAME = re.compile(r"[0-9a-z]{13}")


class Staging(NamedTuple):
    """Records that somebody is writing, before they become messages.

    Attributes:
        owner: The request that writes them.
        number: Of the first record.
        size: How many messages they are.
        beat: Changes now and then while the owner is at work.
        noticed: When another writer first saw it with this beat, by that writer's clock.
        is_cut: Whether one of them has parts.

    """

    owner: str
    number: int
    size: int
    beat: int = 0
    noticed: float | None = None
    is_cut: bool = False

    @property
    def end(self) -> int:
        """Return one more than the number of the last record."""
        return self.number + self.size


class Garbage(NamedTuple):
    """Records that nobody reads any more, to be discarded.

    Attributes:
        first: The number of the first one; of the node, where it is one.
        end: One more than the number of the last one; 0: it is a node, with all below it.
        generation: Whose markers go with them; empty: they have none.
        is_cut: Whether one of them may have parts.

    """

    first: int
    end: int
    generation: str = ""
    is_cut: bool = False


class Head(NamedTuple):
    """The state of a conversation.

    Attributes:
        epoch: Changes when positions can no longer be followed.
        generation: Changes when the conversation begins anew; markers of ids carry it.
        stream: The name of all its records; only a new head has another.
        next: The next position.
        numbers: The number of the next record; no number is given twice.
        nodes: The number of the next node.
        entries: What there is to read, oldest first.
        written: When it was last written, in seconds since 1970; only moves forward.
        lasts: Seconds after which it has expired, ``None``: never. Without messages, the seconds
            after which the head itself may go.
        requests: The ids of the requests that took effect last.
        sequence: How many requests took effect.
        is_cut: Whether a message may have parts.
        is_marked: Whether a message of this generation may have a marker.
        unmarked: Ranges of numbers of messages whose markers are still to be written.
        garbage: What is to be discarded.
        stagings: What is being written.

    """

    epoch: str
    generation: str
    stream: str
    next: int = 0
    numbers: int = 0
    nodes: int = 0
    entries: tuple[Entry, ...] = ()
    written: float | None = None
    lasts: float | None = None
    requests: tuple[str, ...] = ()
    sequence: int = 0
    is_cut: bool = False
    is_marked: bool = False
    unmarked: tuple[tuple[int, int], ...] = ()
    garbage: tuple[Garbage, ...] = ()
    stagings: tuple[Staging, ...] = ()

    @property
    def length(self) -> int:
        """Return the number of messages."""
        return sum(entry.size for entry in self.entries)

    @property
    def lifetime(self) -> float | None:
        """Return the seconds after which it may go; ``None``: it names something."""
        return None if self.entries or self.garbage or self.stagings else EMPTY_LIFETIME

    def is_expired(self, now: float) -> bool:
        """Whether the conversation is gone."""
        if self.lasts is None or self.written is None:
            return False
        return self.written + self.lasts <= now

    def dump(self) -> str:
        """Return the head's text."""
        fields: dict[str, Any] = {
            "v": VERSION,
            "e": self.epoch,
            "g": self.generation,
            "s": self.stream,
            "p": self.next,
            "n": self.numbers,
            "i": self.nodes,
            "m": index.dump(self.entries),
            "x": [self.written, self.lasts],
            "r": "".join(self.requests),
            "c": self.sequence,
            "f": self.is_cut + 2 * self.is_marked,
        }
        others = {"u": self.unmarked, "d": self.garbage, "t": self.stagings}
        fields |= {name: value for name, value in others.items() if value}
        return json.dumps(fields, separators=(",", ":"))


def new_head() -> Head:
    """Return the head of a conversation without messages."""
    return Head(new_name(), new_name(), new_name())


def load(text: str) -> Head:
    """Return the head of a text.

    Raises:
        SchemaVersionError: A later version of this package wrote it.
        CorruptStoreError: The text is not a head.

    """
    try:
        fields = json.loads(text)
        version = checked_number(fields["v"])
        if version != VERSION:
            raise SchemaVersionError(
                f"a conversation's head has version {version}, this package reads {VERSION}; "
                "install the version of chatstore that wrote it"
            )
        return _parsed(fields)
    except CorruptStoreError as error:
        raise CorruptStoreError(f"a conversation's head is damaged: {error}") from None
    except (ValueError, TypeError, LookupError, RecursionError):
        raise CorruptStoreError(
            "a conversation's head is damaged: it is not what this package writes"
        ) from None


def _parsed(fields: dict[str, Any]) -> Head:
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
        tuple(_name(requests[at : at + 13]) for at in range(0, len(requests), 13)),
        checked_number(fields["c"]),
        bool(flags & 1),
        bool(flags & 2),
        tuple((checked_number(a), checked_number(b)) for a, b in checked_list(fields.get("u", []))),
        tuple(_garbage(*item) for item in checked_list(fields.get("d", []))),
        tuple(_staging(*item) for item in checked_list(fields.get("t", []))),
    )
    ranges = [entry.numbers for entry in head.entries]
    if index.length(head.entries) > head.next or any(end > head.numbers for _, end in ranges):
        raise CorruptStoreError("it names more than was written")
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


def _garbage(first: Any, end: Any, generation: Any, is_cut: Any) -> Garbage:
    name = _name(generation) if generation != "" else ""
    return Garbage(checked_number(first), checked_number(end), name, _flag(is_cut))


def _staging(owner: Any, number: Any, size: Any, beat: Any, noticed: Any, is_cut: Any) -> Staging:
    return Staging(
        _name(owner),
        checked_number(number),
        checked_number(size),
        checked_number(beat),
        _seconds(noticed),
        _flag(is_cut),
    )


def emptied(head: Head, generation: str | None = None) -> Head:
    """Return the head of a conversation that begins anew; its records become garbage."""
    marked = head.generation if head.is_marked else ""
    kept = [(staging.number, staging.end) for staging in head.stagings]
    # Other garbage has markers of another generation.
    kept += [(item.first, item.end) for item in head.garbage if item.end]
    ranges = without(merged(entry.numbers for entry in head.entries), kept)
    return head._replace(
        epoch=new_name(),
        generation=generation or new_name(),
        entries=(),
        written=None,
        lasts=None,
        is_cut=False,
        is_marked=False,
        unmarked=(),
        garbage=(
            *head.garbage,
            *(Garbage(first, end, marked, head.is_cut) for first, end in ranges),
            *(Garbage(entry.number, 0) for entry in head.entries if entry.level),
        ),
    )


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges in order, those that overlap or are near each other as one."""
    result: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if result and first - result[-1][1] <= _NEAR:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((first, end))
    return result


def without(
    ranges: Sequence[tuple[int, int]], taken: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return what is in the ranges, but not in one of those that are taken."""
    result = list(ranges)
    for low, high in taken:
        pieces = [
            p for first, end in result for p in ((first, min(end, low)), (max(first, high), end))
        ]
        result = [(first, end) for first, end in pieces if first < end]
    return result
