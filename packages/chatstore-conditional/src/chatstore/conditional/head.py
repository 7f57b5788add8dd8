"""``Head``: the state of a conversation. Readers see only records that it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatstore.conditional.entries import Entry
from chatstore.conditional.names import new_name
from chatstore.core.backend import ConversationRecord

EMPTY_LIFETIME = 259_200.0
"""Seconds for which a head stays that refers to nothing: three days.

No request arrives as late as that, even if the clock that decides is a day fast.
"""

NO_RECORD = ConversationRecord()
"""The record of a conversation that began with a message."""

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
        end: The number of the last record, plus one; 0: it is a node, with all nodes below it.
        generation: The generation of the markers to be deleted with them; empty: no markers.
        is_divided: Whether a message may have several parts.
        has_messages: Of a node, whether the messages below it are garbage, too.

    """

    first: int
    end: int
    generation: str = ""
    is_divided: bool = False
    has_messages: bool = False


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
        record: The conversation's record, such as its owner and title.
        details: The number of the stored record that holds its title and metadata, if they are
            long; then ``record`` is without them.
        created: When the conversation began, in seconds since 1970.
        refreshed: When its entry in its owner's list was written last, in seconds since 1970.
        latest: The latest time in an id that a store gave to an appended message, in
            milliseconds; ``None``: there is no such message.
        skew: How much earlier than the latest one of its time such an id was at most, in
            milliseconds.

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
    record: ConversationRecord = NO_RECORD
    details: int | None = None
    created: float | None = None
    refreshed: float | None = None
    latest: int | None = None
    skew: int = 0

    @property
    def length(self) -> int:
        """The number of messages."""
        return sum([entry.size for entry in self.entries])

    @property
    def revision(self) -> str:
        """Changes with each request that takes effect; needs no storage of its own."""
        return f"{self.stream}-{self.sequence:x}"

    @property
    def current_revision(self) -> str | None:
        """The revision; ``None`` if there is no conversation."""
        return self.revision if self.exists else None

    @property
    def outlasts_messages(self) -> bool:
        """Whether the conversation stays when its last message is removed."""
        return self.details is not None or self.record.outlasts_messages

    @property
    def exists(self) -> bool:
        """Whether there is a conversation."""
        return bool(self.entries) or self.outlasts_messages

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
        record=NO_RECORD,
        details=None,
        created=None,
        refreshed=None,
        latest=None,
        skew=0,
    )


def without_messages(head: Head, generation: str | None = None) -> Head:
    """Return the head of a conversation whose messages become garbage, and that goes on."""
    return emptied(head, generation)._replace(
        written=head.written,
        lasts=head.lasts,
        record=head.record,
        details=head.details,
        created=head.created,
        refreshed=head.refreshed,
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
