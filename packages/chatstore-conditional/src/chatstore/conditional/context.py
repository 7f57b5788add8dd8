"""``Context``: what all changes of a backend share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chatstore.conditional.abandoned import Observer
from chatstore.conditional.database import Database
from chatstore.conditional.head import EMPTY_LIFETIME, Head, emptied, new_head
from chatstore.core.backend import Retryable
from chatstore.core.backend.owner_index import REFRESH_AFTER

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Context(Generic[C]):
    """What all changes of a backend share.

    Attributes:
        database: The database, with retries.
        clock: Returns the time in seconds since 1970.
        ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
        patience: Seconds for which a change is repeated.
        judge: Returns why a request without an answer may be repeated; ``None`` for other errors.
        observer: Knows which stagings this process has seen.

    """

    database: Database[C]
    clock: Callable[[], float]
    ttl: float | None
    patience: float
    judge: Callable[[Exception, int], Retryable | None]
    observer: Observer

    def current(self, head: Head | None, request: str | None = None) -> Head:
        """Return a head as a writer must see it: without expired messages and abandoned stagings.

        Args:
            head: The stored head; ``None``: there is no head.
            request: The id of the request that looks.

        """
        if head is None:
            return new_head()
        now = self.clock()
        if head.stagings:
            head = self.observer.without_abandoned(head, now, request)
        return emptied(head) if head.is_expired(now) else head

    def lasting(self, head: Head) -> Head:
        """Return a head that is written now. A slow clock never lets it expire earlier."""
        now = round(self.clock(), 3)
        if not head.exists:
            return head._replace(written=now, lasts=EMPTY_LIFETIME)
        written = now if head.written is None else max(now, head.written)
        created = written if head.created is None else head.created
        return head._replace(written=written, lasts=self.ttl, created=created)


def with_refresh(head: Head) -> Head:
    """Return a head that is written now; if its entry in its owner's list is due, it says so."""
    if head.record.index_entry is None or head.written is None:
        return head
    is_due = head.refreshed is None or head.written - head.refreshed >= REFRESH_AFTER
    return head._replace(refreshed=head.written) if is_due else head
