"""One change of a conversation: conditional, repeated until it took effect, exactly once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Union

from chatstore.core import StoreUnavailableError
from chatstore.core.plans import Plan
from chatstore.records.database import Database
from chatstore.records.head import EMPTY_LIFETIME, REMEMBERED, Head, Segment, Staging, new_name
from chatstore.records.reading import read_head
from chatstore.records.texts import record_id

STAGING_TIME = 600.0
"""Seconds after which a segment that is still being staged is taken for abandoned."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.5


class Proposal(NamedTuple):
    """What a change wants to write, if the head stays as it was.

    Attributes:
        result: What the call returns when it took effect.
        place: Returns the new head for a head and the new segment, at the position that it gets.
        texts: The records of a new segment, each whole or in parts.
        puts: Other records, by id.
        deletes: Records that there are.
        is_apart: Whether the new segment needs a name of its own.
        is_anew: Whether what was staged for an earlier head is of no use.

    """

    result: Any
    place: Callable[[Head, Segment], Head]
    texts: Sequence[Sequence[str]] = ()
    puts: Callable[[Segment], Mapping[str, str]] | None = None
    deletes: Sequence[str] = ()
    is_apart: bool = False
    is_anew: bool = False


class Stale(NamedTuple):
    """A record that the head names is missing: the head is outdated, or this is the error."""

    error: Exception


class Nothing(NamedTuple):
    """There is nothing to write.

    Attributes:
        result: What the call returns.
        is_of_records: Whether records were read for it, which others may have changed meanwhile.

    """

    result: Any
    is_of_records: bool = False


Decision = Union[Proposal, Nothing, Stale]  # noqa: UP007 - read at run time by Python 3.10
Decide = Callable[[Head, "Head | None"], Plan[Decision]]


Known = tuple[Head, "str | None"]


class _Attempt(NamedTuple):
    """What was sent, and the sequence of the head that it was based on."""

    sequence: int
    segment: Segment
    puts: Mapping[str, str]
    deletes: Sequence[str]


class Change:
    """Carries one change out.

    `decide` looks at the head, and at the head that its staged records were decided on (``None``:
    nothing is staged). It is asked again whenever the head has changed.
    """

    def __init__(
        self,
        database: Database,
        key: str,
        decide: Decide,
        *,
        clock: Callable[[], float],
        ttl: float | None,
        patience: float,
        is_doubtful: Callable[[Exception], bool],
    ) -> None:
        """Note what is to be done."""
        self._database = database
        self._key = key
        self._decide = decide
        self._clock = clock
        self._ttl = ttl
        self._is_doubtful = is_doubtful
        self._operation = new_name()
        self._staged: tuple[Segment, Head] | None = None
        self._results: list[Any] = []
        self._unanswered: list[_Attempt] = []
        self._deadline = time.monotonic() + patience
        self._pause = _FIRST_PAUSE

    def run(self, hint: tuple[Head, str] | None) -> Plan[tuple[Any, Known | None]]:
        """Return the call's result, and the head that is known now with its version.

        Raises:
            StoreUnavailableError: Others were faster again and again, or nobody can tell whether
                the change took effect.

        """
        outdated: str | None = None
        is_remembered = hint is not None
        known: tuple[Head | None, str | None] | None = hint
        while True:
            if known is None:
                known = yield from read_head(self._database, self._key)
                is_remembered = False
            (head, version), known = known, None
            if head is not None and (yield from self._took_effect(head)):
                return self._results[-1], (head, version)
            current = self._current(head)
            decision = yield from self._decide(current, self._staged_on(current))
            if isinstance(decision, Nothing):
                if is_remembered or decision.is_of_records:
                    # A commit would prove that nothing has changed; here it is looked up.
                    known = yield from read_head(self._database, self._key)
                    is_remembered = False
                    if known[1] != version:
                        continue
                return decision.result, None if head is None else (head, version)
            if isinstance(decision, Proposal):
                written = yield from self._try(current, version, decision)
                if written is not None and self._operation in written[0].operations:
                    return decision.result, written
            elif version == outdated:
                raise decision.error
            else:
                outdated = version

    def _try(
        self, current: Head, version: str | None, proposal: Proposal
    ) -> Plan[tuple[Head, str] | None]:
        """Write once; where it is not sure whether that took effect, wait a little."""
        error: Exception | None = None
        try:
            written = yield from self._write(current, version, proposal)
        except Exception as caught:
            if not self._is_doubtful(caught):
                raise
            error, written = caught, None
        if written is None:
            if time.monotonic() + self._pause > self._deadline:
                message = "others wrote to this conversation again and again"
                raise error or StoreUnavailableError(message)
            yield from self._database.sleep(random.uniform(0, self._pause))
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return written

    def _took_effect(self, head: Head) -> Plan[bool]:
        """Whether an earlier attempt of this change was carried out after all.

        Raises:
            StoreUnavailableError: Nobody can tell.

        """
        if self._operation in head.operations:
            return True
        for attempt in self._unanswered:
            # So many others wrote since that the head may have forgotten it.
            is_forgotten = head.sequence - attempt.sequence >= REMEMBERED
            if is_forgotten and (yield from self._left_traces(attempt, head)):
                return True
        return False

    def _left_traces(self, attempt: _Attempt, head: Head) -> Plan[bool]:
        """Whether there is what an attempt would have written.

        Raises:
            StoreUnavailableError: Nobody can tell.

        """
        names = [*attempt.puts, *attempt.deletes][:1]
        found = (yield from self._database.read_records(self._key, names)) if names else {}
        if attempt.puts:
            return bool(found) and found[names[0]] == attempt.puts[names[0]]
        if found or any(s.segment.name == attempt.segment.name for s in head.staging):
            return False
        if any(segment.name == attempt.segment.name for segment in head.segments):
            return True
        message = "many others wrote at once: it is unknown whether the call took effect"
        raise StoreUnavailableError(message)

    def _current(self, head: Head | None) -> Head:
        """Return the head as a writer has to see it: without what has expired or was abandoned."""
        now = self._clock()
        if head is None:
            return Head(new_name(), new_name())
        overdue = [s for s in head.staging if s.deadline <= now]
        head = head._replace(
            staging=tuple(s for s in head.staging if s.deadline > now),
            waiting=(*head.waiting, *((head.generation, s.segment) for s in overdue)),
        )
        return emptied(head) if head.is_expired(now) else head

    def _staged_on(self, head: Head) -> Head | None:
        """Return the head that what is staged was decided on; ``None``: it must be done anew."""
        if self._staged is None:
            return None
        segment, base = self._staged
        if all(staging.segment.name != segment.name for staging in head.staging):
            self._staged = None  # somebody took it for abandoned
            return None
        return base

    def _write(
        self, current: Head, version: str | None, proposal: Proposal
    ) -> Plan[tuple[Head, str] | None]:
        """Commit a proposal, or stage it; return the head that was written, ``None``: not sure."""
        if self._staged is not None and proposal.is_anew:
            segment, base = self._staged
            useless = (base.generation, segment)
            current = current._replace(waiting=(*current.waiting, useless))
            current = _without_staging(current, segment)
            self._staged = None
        puts: Mapping[str, str] = {}
        if self._staged is not None:
            segment = self._staged[0].at(current.next)
        else:
            # Records continue the last segment where they can: a head stays small.
            segment = _segment(proposal).at(current.next)._replace(shift=0)
            if proposal.texts and not proposal.is_apart:
                segment = _continued(current, segment)
            puts = _records(segment, proposal)
            if not self._fits(puts, proposal.deletes):
                return (yield from self._stage(current, version, proposal))
        new = _without_staging(proposal.place(current, segment), segment)
        new = new._replace(
            operations=(*current.operations, self._operation)[-REMEMBERED:],
            sequence=current.sequence + 1,
            expiry=self._expiry(new),
        )
        self._results.append(proposal.result)
        attempt = _Attempt(current.sequence, segment, puts, proposal.deletes)
        # What was sent for an earlier head cannot take effect any more.
        still = [other for other in self._unanswered if other.sequence == current.sequence]
        self._unanswered = [*still, attempt]
        committed = yield from self._database.commit(
            self._key, version, new.dump(), puts, proposal.deletes, new.lifetime
        )
        self._unanswered = still
        return None if committed is None else (new, committed)

    def _expiry(self, new: Head) -> float | None:
        lasts = self._ttl if new.segments else EMPTY_LIFETIME
        return None if lasts is None else self._clock() + lasts

    def _stage(
        self, current: Head, version: str | None, proposal: Proposal
    ) -> Plan[tuple[Head, str] | None]:
        """Note a new segment in the head, and write its records where nobody reads them."""
        segment = _segment(proposal)
        staging = Staging(segment, self._clock() + STAGING_TIME)
        noted = current._replace(staging=(*current.staging, staging))
        if not noted.segments:
            noted = noted._replace(expiry=self._expiry(noted))
        committed = yield from self._database.commit(self._key, version, noted.dump(), {}, ())
        if committed is None:
            return None
        yield from self._database.stage(self._key, _records(segment, proposal))
        self._staged = (segment, current)
        return noted, committed

    def _fits(self, puts: Mapping[str, str], deletes: Sequence[str]) -> bool:
        limits = self._database.limits
        if 1 + len(puts) + len(deletes) > limits.operations:
            return False
        return sum(map(self._database.weigh, puts.values())) <= limits.commit_bytes // 2


def emptied(head: Head) -> Head:
    """Return the head of a conversation that begins anew; its records wait to be discarded."""
    old = tuple((head.generation, segment) for segment in head.segments)
    return head._replace(
        epoch=new_name(),
        generation=new_name(),
        segments=(),
        expiry=None,
        waiting=(*head.waiting, *old),
    )


def _without_staging(head: Head, segment: Segment) -> Head:
    return head._replace(
        staging=tuple(item for item in head.staging if item.segment.name != segment.name)
    )


def _segment(proposal: Proposal) -> Segment:
    parts = max(map(len, proposal.texts), default=1)
    return Segment(new_name(), 0, len(proposal.texts), 0, parts)


def _continued(head: Head, segment: Segment) -> Segment:
    """Return a new segment under the name of the last one, where its records are like those.

    What was removed in between leaves a hole: positions, and so numbers, are never given again.
    """
    last = head.segments[-1] if head.segments else None
    if last is None or last.parts != segment.parts:
        return segment
    return segment._replace(name=last.name, shift=last.shift)


def _records(segment: Segment, proposal: Proposal) -> dict[str, str]:
    puts = {
        record_id(segment, segment.first + number, part): text
        for number, pieces in enumerate(proposal.texts)
        for part, text in enumerate(pieces)
    }
    if proposal.puts is not None:
        puts.update(proposal.puts(segment))
    return puts
