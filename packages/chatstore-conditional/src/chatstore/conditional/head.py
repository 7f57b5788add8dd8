"""``Head``: the state of a conversation. Readers see only records that it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chatstore.conditional.entries import Entry
from chatstore.conditional.names import new_name

EMPTY_LIFETIME = 259_200.0
"""Seconds for which a head stays that refers to nothing: three days.

No request arrives as late as that, even if the clock that decides is a day fast.
"""

_NEAR = 1000  # numbers between two ranges of garbage that become one


class Staging(NamedTuple):
    """Records that a request is writing, before they become messages.

    Attributes:
        owner: The id of the request.
        number: The number of the first record.
        size: How many messages they are.
        beat: Changes from time to time while the owner is at work.
        noticed: When another writer first saw it with this beat, by that writer's clock.
        is_divided: Whether a message has several parts.

    """

    owner: str
    number: int
    size: int
    beat: int = 0
    noticed: float | None = None
    is_divided: bool = False

    @property
    def end(self) -> int:
        """The number of the last record, plus one."""
        return self.number + self.size


class Garbage(NamedTuple):
    """Records to be deleted: nobody reads them any more.

    Attributes:
        first: The number of the first record, or of a node.
        end: The number of the last record, plus one; 0: it is a node, with all below it.
        generation: The generation of the markers to be deleted with them; empty: no markers.
        is_divided: Whether a message may have several parts.

    """

    first: int
    end: int
    generation: str = ""
    is_divided: bool = False


class Head(NamedTuple):
    """The state of a conversation.

    Attributes:
        epoch: Changes when positions that were read before no longer lead on.
        generation: Changes when the conversation begins again; part of the ids of markers.
        stream: Part of the ids of all its records; only a new head has another one.
        next_position: The position of the next message.
        next_number: The number of the next record; a number is never used again.
        next_node: The number of the next node.
        entries: The outermost entries of the index, oldest first.
        written: When it was last written, in seconds since 1970; it never decreases.
        lasts: Seconds until the conversation expires; ``None``: it stays. Without messages,
            seconds until the head may be deleted.
        requests: The ids of the newest requests that took effect.
        sequence: How many requests took effect.
        is_divided: Whether a message may have several parts.
        is_marked: Whether a message of this generation may have a marker.
        unmarked: Ranges of numbers of messages whose markers are still to be written.
        garbage: Records to be deleted.
        stagings: Records that are being written.
        record: The conversation's record, a JSON object, such as its owner and title; ``None``:
            there is none, and nothing is stored for it.

    """

    epoch: str
    generation: str
    stream: str
    next_position: int = 0
    next_number: int = 0
    next_node: int = 0
    entries: tuple[Entry, ...] = ()
    written: float | None = None
    lasts: float | None = None
    requests: tuple[str, ...] = ()
    sequence: int = 0
    is_divided: bool = False
    is_marked: bool = False
    unmarked: tuple[tuple[int, int], ...] = ()
    garbage: tuple[Garbage, ...] = ()
    stagings: tuple[Staging, ...] = ()
    record: Mapping[str, Any] | None = None

    @property
    def length(self) -> int:
        """The number of messages."""
        return sum([entry.size for entry in self.entries])

    @property
    def revision(self) -> str:
        """Changes with each request that takes effect; needs no storage of its own."""
        return f"{self.stream}-{self.sequence:x}"

    @property
    def exists(self) -> bool:
        """Whether there is a conversation: messages, or a record."""
        return bool(self.entries) or self.record is not None

    @property
    def has_leftovers(self) -> bool:
        """Whether it refers to garbage, missing markers or stagings."""
        return bool(self.garbage or self.unmarked or self.stagings)

    @property
    def lifetime(self) -> float | None:
        """Seconds until it may be deleted; ``None``: it refers to something."""
        return None if self.exists or self.garbage or self.stagings else EMPTY_LIFETIME

    def is_expired(self, now: float) -> bool:
        """Return whether the conversation has expired."""
        if self.lasts is None or self.written is None:
            return False
        return self.written + self.lasts <= now


class StoredHead(NamedTuple):
    """A head in the database, and its version."""

    head: Head
    version: str


def new_head() -> Head:
    """Return the head of a conversation without messages."""
    return Head(new_name(), new_name(), new_name())


def emptied(head: Head, generation: str | None = None) -> Head:
    """Return the head of a conversation that begins again; its records become garbage."""
    markers = head.generation if head.is_marked else ""
    # Stagings are not garbage, and other garbage has markers of another generation.
    excluded = [(staging.number, staging.end) for staging in head.stagings]
    excluded += [(item.first, item.end) for item in head.garbage if item.end]
    ranges = _without(_merged(entry.numbers for entry in head.entries), excluded)
    return head._replace(
        epoch=new_name(),
        generation=generation or new_name(),
        entries=(),
        written=None,
        lasts=None,
        is_divided=False,
        is_marked=False,
        unmarked=(),
        garbage=(
            *head.garbage,
            *(Garbage(first, end, markers, head.is_divided) for first, end in ranges),
            *(Garbage(entry.number, 0) for entry in head.entries if entry.level),
        ),
        record=None,
    )


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sorted ranges; those that overlap or are near each other are merged."""
    result: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if result and first - result[-1][1] <= _NEAR:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((first, end))
    return result


def _without(
    ranges: Sequence[tuple[int, int]], excluded: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return ranges without the numbers in the excluded ones."""
    result = list(ranges)
    for low, high in excluded:
        pieces = [
            piece
            for first, end in result
            for piece in ((first, min(end, low)), (max(first, high), end))
        ]
        result = [(first, end) for first, end in pieces if first < end]
    return result
