"""The head of a conversation: what a reader may see is what it names, nothing else."""

from __future__ import annotations

import json
from base64 import b32encode
from secrets import token_bytes
from typing import NamedTuple

from chatstore.core import CorruptStoreError, SchemaVersionError

VERSION = 1
EMPTY_LIFETIME = 86_400.0
"""Seconds that a head stays which names nothing: no call is repeated as late as that."""

REMEMBERED = 24
"""Operations that a head remembers; a call that is not sure of its effect looks for itself."""


class Segment(NamedTuple):
    """Records that were written under one name, at all positions from `first` to before `end`.

    A record's number is its position less `shift`: a segment is written before it is known where
    it will stand. None of its records was cut into more than `parts` parts.
    """

    name: str
    first: int
    end: int
    shift: int = 0
    parts: int = 1

    def at(self, position: int) -> Segment:
        """Return the segment with its first record at a position."""
        move = position - self.first
        return self._replace(first=position, end=self.end + move, shift=self.shift + move)

    @property
    def size(self) -> int:
        """Return the number of records."""
        return self.end - self.first


class Staging(NamedTuple):
    """A segment that somebody is writing, until a deadline (seconds since 1970)."""

    segment: Segment
    deadline: float


class Head(NamedTuple):
    """The state of a conversation.

    Attributes:
        epoch: Changes when positions can no longer be followed.
        generation: Changes when the conversation begins anew; markers of ids carry it.
        next: The next position.
        segments: What there is to read, oldest first.
        expiry: Seconds since 1970, or ``None``; without segments, when the head itself may go.
        operations: Those that took effect last.
        sequence: How many took effect.
        waiting: Segments that nobody reads any more, to be discarded.
        staging: Segments that are being written.

    """

    epoch: str
    generation: str
    next: int = 0
    segments: tuple[Segment, ...] = ()
    expiry: float | None = None
    operations: tuple[str, ...] = ()
    sequence: int = 0
    waiting: tuple[tuple[str, Segment], ...] = ()  # each with its generation
    staging: tuple[Staging, ...] = ()

    @property
    def length(self) -> int:
        """Return the number of messages."""
        return sum(segment.size for segment in self.segments)

    @property
    def lifetime(self) -> float | None:
        """Return the seconds after which it may go; ``None``: it names something."""
        names = self.segments or self.waiting or self.staging
        return None if names else EMPTY_LIFETIME

    def is_expired(self, now: float) -> bool:
        """Whether the conversation is gone."""
        return self.expiry is not None and self.expiry <= now

    def dump(self) -> str:
        """Return the head's text."""
        fields = self._asdict()
        return json.dumps({"v": VERSION, **dict(zip("egnsxoqwt", fields.values(), strict=True))},
                          separators=(",", ":"))  # fmt: skip


def load(text: str) -> Head:
    """Return the head of a text.

    Raises:
        SchemaVersionError: A later version of this package wrote it.
        CorruptStoreError: It is no head.

    """
    try:
        fields = json.loads(text)
        version = fields.pop("v")
        if version != VERSION:
            message = f"a conversation's head has version {version!r}, this package reads {VERSION}"
            raise SchemaVersionError(message)
        epoch, generation, following, segments, expiry, operations, sequence, waiting, staging = (
            fields[name] for name in "egnsxoqwt"
        )
        return Head(
            epoch,
            generation,
            following,
            tuple(Segment(*item) for item in segments),
            expiry,
            tuple(operations),
            sequence,
            tuple((owner, Segment(*item)) for owner, item in waiting),
            tuple(Staging(Segment(*item), deadline) for item, deadline in staging),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = "a conversation's head cannot be read"
        raise CorruptStoreError(message) from error


def new_name() -> str:
    """Return a random name for a segment, an epoch or a request.

    It comes from the system's random source: programs seed the generator of `random`.
    """
    return b32encode(token_bytes(8)).decode().rstrip("=").lower()


def without_position(segments: tuple[Segment, ...], position: int) -> tuple[Segment, ...]:
    """Return segments that do not name a position."""
    left: list[Segment] = []
    for segment in segments:
        if segment.first <= position < segment.end:
            parts = (segment._replace(end=position), segment._replace(first=position + 1))
            left += [part for part in parts if part.size]
        else:
            left.append(segment)
    return tuple(left)


def cut(segments: tuple[Segment, ...], index: int) -> tuple[list[Segment], list[Segment]]:
    """Return the segments of the messages before an index, and those of the others."""
    before: list[Segment] = []
    behind: list[Segment] = []
    for segment in segments:
        place = min(max(segment.first + index, segment.first), segment.end)
        parts = (segment._replace(end=place), segment._replace(first=place))
        before += [parts[0]] if parts[0].size else []
        behind += [parts[1]] if parts[1].size else []
        index -= segment.size
    return before, behind
