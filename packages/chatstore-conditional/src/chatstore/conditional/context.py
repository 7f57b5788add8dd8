"""What all changes of a store share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.head import EMPTY_LIFETIME, Head, emptied, new_head
from chatstore.conditional.observing import Observer

C = TypeVar("C")
Known = tuple[Head, str]
"""A head and its version."""


@dataclass(frozen=True, slots=True)
class Context(Generic[C]):
    """What all changes of a store share.

    Attributes:
        database: Its primitives.
        clock: Returns the time in seconds since 1970.
        ttl: Of conversations, in seconds.
        patience: Seconds for which a change is tried again.
        is_doubtful: Whether an error leaves open what became of a request.
        observer: Which stagings this process has seen.

    """

    database: Database[C]
    clock: Callable[[], float]
    ttl: float | None
    patience: float
    is_doubtful: Callable[[Exception], bool]
    observer: Observer

    def current(self, head: Head | None, owner: str | None = None) -> Head:
        """Return the head as a writer has to see it: without what expired or was abandoned."""
        if head is None:
            return new_head()
        now = self.clock()
        head = self.observer.without_abandoned(head, now, owner)
        return emptied(head) if head.is_expired(now) else head

    def lasting(self, head: Head) -> Head:
        """Return a head that is written now. A slow clock never makes it expire earlier."""
        lasts = self.ttl if head.entries else EMPTY_LIFETIME
        now = round(self.clock(), 3)
        before = head.written if head.entries else None
        return head._replace(written=now if before is None else max(now, before), lasts=lasts)
