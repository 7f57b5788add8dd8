"""The reads of messages of a backend: one value object for each direction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Newest:
    """Read, at one moment, the newest records.

    Attributes:
        limit: The most records to read, at least 1; ``None``: all.
        before: Read only records below this position.
        leading: Also read this many first records of the conversation.
        with_conversation: Also read the conversation itself, into `Page.conversation`.

    """

    limit: int | None = None
    before: int | None = None
    leading: int = 0
    with_conversation: bool = False


@dataclass(frozen=True, slots=True)
class Oldest:
    """Read, at one moment, the oldest records.

    Attributes:
        limit: The most records to read, at least 1.
        after: Read only records above this position.

    """

    limit: int
    after: int | None = None
