"""``StagedWrite``: writes messages that are too large for one commit before they become visible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Generic, TypeVar

from chatstore.conditional.abandoned import STAGING_TIME
from chatstore.conditional.commit import (
    Commit,
    commit_of,
    first_records,
    head_write,
    is_divided,
    other_records,
)
from chatstore.conditional.context import Context
from chatstore.conditional.decisions import Edited, NewMessage
from chatstore.conditional.garbage import clean_up
from chatstore.conditional.head import Garbage, Head, Staging, StoredHead
from chatstore.conditional.reading import read_head
from chatstore.core.backend import Plan, concurrently

C = TypeVar("C")
BATCH = 100
"""The most records of a batch; behind each one, the writer can show that it is at work.

The databases write 25 or 100 records with a request, so larger batches would not save requests.
"""

_BATCH_CHARACTERS = 4_000_000


class StagedWrite(Generic[C]):
    """The staged records of one request. The head reserves numbers for them first."""

    def __init__(
        self,
        context: Context[C],
        key: str,
        request: str,
        commit: Callable[[str | None, Commit], Plan[C, StoredHead]],
    ) -> None:
        """Start without staged records.

        Args:
            context: What the backend's changes share.
            key: The conversation.
            request: The id of the request.
            commit: Commits if the head has a version.

        """
        self._context = context
        self._key = key
        self._request = request
        self._commit = commit
        self._number: int | None = None  # of the first staged record
        self._last_beat = 0.0

    def number_in(self, head: Head) -> int | None:
        """Return the number of the first staged record, if the head still reserves it."""
        own = self._own(head)
        return own.number if own is not None and own.number == self._number else None

    def write(
        self, stored: StoredHead | None, current: Head, messages: Sequence[NewMessage]
    ) -> Plan[C, StoredHead | None]:
        """Reserve numbers in the head, and write the records; return the head if it is known.

        Args:
            stored: The stored head.
            current: That head as a writer must see it.
            messages: The messages.

        """
        own = self._own(current)
        known = stored
        if own is None:
            own = Staging(
                self._request, current.next_number, len(messages), is_divided=is_divided(messages)
            )
            known = yield from self._reserve(stored, current, own)
        self._last_beat = monotonic()
        stream = current.stream
        beats: list[bool] = []
        for records in (
            first_records(stream, own.number, messages, self._request),
            other_records(stream, own.number, messages),
        ):
            batches = [self._stage(batch) for batch in _batches(records)]
            beats += yield from concurrently(batches, self._context.database.concurrency)
        self._number = own.number
        return None if any(beats) else known

    def _stage(self, batch: Mapping[str, str]) -> Plan[C, bool]:
        """Write some of the records; return whether the head was changed."""
        yield from self._context.database.stage(self._key, batch)
        if monotonic() - self._last_beat < STAGING_TIME / 4:
            return False
        self._last_beat = monotonic()
        yield from self._beat()
        return True

    def _own(self, head: Head) -> Staging | None:
        return next((s for s in head.stagings if s.owner == self._request), None)

    def _reserve(
        self, stored: StoredHead | None, current: Head, own: Staging
    ) -> Plan[C, StoredHead | None]:
        head = current._replace(
            stagings=(*current.stagings, own), next_number=current.next_number + own.size
        )
        if self._number is not None:
            # Another writer took the staging for abandoned; records may have been written since.
            lost = Garbage(self._number, self._number + own.size, "", own.is_divided)
            head = head._replace(garbage=(*head.garbage, lost))
            self._number = None
        if not head.exists:
            head = self._context.lasting(head)
        version, before = (None, None) if stored is None else (stored.version, stored.head)
        known = yield from self._commit(version, commit_of(before, Edited(head)))
        # Writers that are killed again and again must not leave more and more.
        return (yield from clean_up(self._context, self._key, known, extra=own.size))

    def _beat(self) -> Plan[C, None]:
        """Change the staging in the head, so that others see that it is not abandoned."""
        database = self._context.database
        stored = yield from read_head(database, self._key)
        own = None if stored is None else self._own(stored.head)
        if stored is None or own is None:
            return
        alive = own._replace(beat=own.beat + 1, noticed=None)
        head = stored.head._replace(
            stagings=tuple(alive if s is own else s for s in stored.head.stagings)
        )
        # A refusal is harmless: the next batch tries again.
        yield from database.commit(self._key, head_write(stored.version, head))


def _batches(records: Mapping[str, str]) -> Iterator[dict[str, str]]:
    batch: dict[str, str] = {}
    size = 0
    for name, text in records.items():
        if batch and (len(batch) >= BATCH or size + len(text) > _BATCH_CHARACTERS):
            yield batch
            batch, size = {}, 0
        batch[name] = text
        size += len(text)
    if batch:
        yield batch
