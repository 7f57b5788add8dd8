"""The algorithm with one mistake each: what a simulation that is worth anything finds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from unittest import mock

from records_network import KEY, SimulatedDatabase, SimulatedStore, Step
from records_simulation import Algorithm

from chatstore.core.plans import Plan
from chatstore.core.records import Page, Record, StoredRecord
from chatstore.records import changes, head, reading, store, sweeping, texts
from chatstore.records.changes import Change
from chatstore.records.head import EMPTY_LIFETIME, Head, Segment, Staging, load, new_name


class RepeatedVersions(SimulatedDatabase):
    """Versions count from 1 again when a conversation begins anew."""

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,
    ) -> Plan[str | None]:
        """See `Database`."""
        [step] = super().commit(key, expected, head, puts, deletes, lifetime)

        def counted(client: Any) -> str | None:
            before = self.heads.get(key)
            if step.act(client) is None:
                return None
            begins = before is None or load(before[0]).generation != load(head).generation
            version = "1" if begins or before is None else str(int(before[1]) + 1)
            self.heads[key] = (head, version)
            return version

        return (yield Step("commit", counted))


class ForgottenOperations(SimulatedDatabase):
    """A deleted conversation's head does not remember what took effect."""

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,
    ) -> Plan[str | None]:
        """See `Database`."""
        new = load(head)
        kept = new if new.segments or new.staging else new._replace(operations=())
        return super().commit(key, expected, kept.dump(), puts, deletes, lifetime)


class UnconditionalPurge(SimulatedDatabase):
    """A head is deleted whatever became of it meanwhile."""

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """See `Database`."""
        yield Step("commit", lambda _: self.heads.pop(key, None))


class TrustingReader(SimulatedStore):
    """Counts by the head that a writer remembers."""

    def _count(self, key: str) -> Plan[int]:
        if key in self._heads:
            return self._heads[key][0].length
        return (yield from super()._count(key))


class HastyReader(SimulatedStore):
    """Takes a missing record for one that is gone, and does not look again."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        head, _ = yield from reading.read_head(self._database, key)
        if head is None or not head.segments or head.is_expired(self._clock()):
            return Page(None, [])
        pages = []
        for places in (reading.newest(head, limit, before), reading.oldest(head, leading, None)):
            bodies = yield from reading.fetch(self._database, key, places)
            found = [texts.load(body).body for body in bodies if body is not None]
            pages.append([StoredRecord(number, body) for number, body in enumerate(found)])
        return Page(head.epoch, *pages)


class HastySweeper(SimulatedStore):
    """Discards what is overdue at once; long after, the head is told."""

    def _change(self, key: str, decide: Any, *, hinted: bool = True) -> Plan[Any]:
        head, _ = yield from reading.read_head(self._database, key)
        for item in head.staging if head is not None else ():
            if item.deadline <= self._clock():
                yield from sweeping._discard(self._database, KEY, head, "", item.segment)
        return (yield from super()._change(key, decide, hinted=hinted))


_current = Change._current


def _still_staging(self: Change, head: Head | None) -> Head:
    """Return the head with what was overdue only a little, too."""
    now = self._clock()
    current = _current(self, head)
    if head is None:
        return current
    late = [s for s in head.staging if s.deadline <= now < s.deadline + 2 * changes.STAGING_TIME]
    names = {item.segment.name for item in late}
    waiting = tuple(item for item in current.waiting if item[1].name not in names)
    return current._replace(staging=(*current.staging, *late), waiting=waiting)


def _stage_at_next(
    self: Change, current: Head, version: str | None, proposal: changes.Proposal
) -> Plan[tuple[Head, str] | None]:
    segment = changes._segment(proposal).at(current.next)._replace(shift=0)
    segment = changes._continued(current, segment)
    noted = current._replace(
        staging=(*current.staging, Staging(segment, self._clock() + changes.STAGING_TIME))
    )
    committed = yield from self._database.commit(self._key, version, noted.dump(), {}, ())
    if committed is None:
        return None
    yield from self._database.stage(self._key, changes._records(segment, proposal))
    self._staged = (segment, current)
    return noted, committed


_try = Change._try


def _try_again_as_new(
    self: Change, current: Head, version: str | None, proposal: changes.Proposal
) -> Plan[tuple[Head, str] | None]:
    """Give the attempt after a lost answer an id of its own."""
    is_doubtful = self._is_doubtful

    def renaming(error: Exception) -> bool:
        self._operation = new_name()
        return is_doubtful(error)

    self._is_doubtful = renaming
    written = yield from _try(self, current, version, proposal)
    self._is_doubtful = is_doubtful
    return written


def _one_shorter(segments: tuple[Segment, ...], position: int) -> tuple[Segment, ...]:
    cut = [s._replace(end=s.end - (s.first <= position < s.end)) for s in segments]
    return tuple(segment for segment in cut if segment.size)


def _unmarked(*_: Any) -> Plan[list[Any]]:
    yield from ()
    return []


_segment = changes._segment


def _begun_anew(head: Head) -> Head:
    return head._replace(epoch=new_name(), generation=new_name(), segments=(), expiry=None)


def _lifetime_of_unread(head: Head) -> float | None:
    return None if head.segments else EMPTY_LIFETIME


def _first_part(text: str | None) -> texts.Stored:
    before, _, body = (text or "").partition("|")
    return texts.Stored(1, before.endswith("*"), body)


def _guessable(size: int) -> bytes:
    return random.randbytes(size)


def _patch(target: Any, name: str, new: Any) -> Callable[[], AbstractContextManager[Any]]:
    return partial(mock.patch.object, target, name, new)


def _unmarked_generation(_: Head, __: Sequence[Record]) -> Callable[[Segment], dict[str, str]]:
    return lambda _: {}


MUTANTS = {
    "versions repeat": Algorithm(database=RepeatedVersions),
    "staged at the next positions": Algorithm(patches=_patch(Change, "_stage", _stage_at_next)),
    "operations forgotten at delete": Algorithm(database=ForgottenOperations),
    "a lost answer is taken for a failure": Algorithm(
        patches=_patch(Change, "_try", _try_again_as_new)
    ),
    "a reader trusts the remembered head": Algorithm(store=TrustingReader),
    "a missing record is not looked for again": Algorithm(store=HastyReader),
    "swept before the head forgets it": Algorithm(
        store=HastySweeper, patches=_patch(Change, "_current", _still_staging)
    ),
    "an expired conversation goes on": Algorithm(
        patches=_patch(changes, "emptied", lambda head: head)
    ),
    "holes are ignored": Algorithm(patches=_patch(store, "without_position", _one_shorter)),
    "the count of parts is ignored by readers": Algorithm(
        patches=_patch(texts, "load", _first_part)
    ),
    "the count of parts is ignored by sweepers": Algorithm(
        patches=_patch(changes, "_segment", lambda p: _segment(p)._replace(parts=1))
    ),
    "markers are not looked at": Algorithm(patches=_patch(store, "find_held", _unmarked)),
    "markers are not written": Algorithm(patches=_patch(store, "_marking", _unmarked_generation)),
    "what came while it was staged is not looked at": Algorithm(
        patches=_patch(store, "find_since", _unmarked)
    ),
    "a head goes that names what is to be discarded": Algorithm(
        patches=_patch(Head, "lifetime", property(_lifetime_of_unread))
    ),
    "names come from the program's generator": Algorithm(
        patches=_patch(head, "token_bytes", _guessable)
    ),
    "a head goes whatever it became": Algorithm(database=UnconditionalPurge),
    "what was deleted is not discarded": Algorithm(patches=_patch(store, "emptied", _begun_anew)),
}
