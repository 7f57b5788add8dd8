"""The algorithm with one mistake each: what a simulation that is worth anything finds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from unittest import mock

from conditional_network import SimulatedDatabase, SimulatedStore, Step
from conditional_simulation import Algorithm

from chatstore.conditional import (
    changes,
    committing,
    context,
    deciding,
    editing,
    effects,
    names,
    reading,
    store,
    texts,
    tidying,
)
from chatstore.conditional import entries as index
from chatstore.conditional.committing import Change
from chatstore.conditional.editing import Editor, child
from chatstore.conditional.entries import Entry
from chatstore.conditional.head import EMPTY_LIFETIME, Head, load
from chatstore.conditional.id_markers import IdCheck
from chatstore.conditional.observing import STAGING_TIME, Observer, abandoned
from chatstore.core.backend import Page, Plan, StoredRecord


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


class ForgottenRequests(SimulatedDatabase):
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
        kept = new if new.entries or new.stagings else new._replace(requests=())
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
    """Takes a missing record for one that was removed, and does not look again."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        head, _ = yield from reading.read_head(self._database, key)
        if head is None or not head.entries or head.is_expired(self._clock()):
            return Page(None, [])
        pages = []
        for wanted in (reading.newest(self._database, key, head, limit, before),
                       reading.oldest(self._database, key, head, leading, None)):  # fmt: skip
            try:
                places = yield from wanted
            except reading.OutdatedError:
                places = []
            numbers = [place.number for place in places]
            found = yield from reading.fetch_existing(self._database, key, head.stream, numbers)
            pages.append([StoredRecord(n, texts.load(text).body) for n, text in found.items()])
        return Page(head.epoch, *pages)


def _without_abandoned_kept(
    self: Observer, head: Head, now: float, owner: str | None = None
) -> Head:
    """Discard what is abandoned, but leave it in the head: its owner may still commit it."""
    result = _without_abandoned(self, head, now, owner)
    return result._replace(stagings=head.stagings)


_without_abandoned = Observer.without_abandoned


def _abandoned_by_clock(self: Observer, head: Head, now: float, owner: str | None = None) -> Head:
    """Trust that all clocks tell the same: a staging has the time of whoever noticed it."""
    late = [s for s in head.stagings if s.noticed is not None and s.noticed + STAGING_TIME <= now]
    late = [staging for staging in late if staging.owner != owner]
    kept = tuple(
        s if s.noticed is not None or s.owner == owner else s._replace(noticed=now)
        for s in head.stagings
        if s not in late
    )
    return head._replace(stagings=kept, garbage=(*head.garbage, *map(abandoned, late)))


def _commit_without_numbers(self: Change, version: str | None, commit: Any) -> Plan[Any]:
    if commit.head.stagings and not commit.puts:
        commit = commit._replace(head=commit.head._replace(numbers=commit.head.stagings[-1].number))
    return (yield from _commit(self, version, commit))


_commit = Change._commit


def _looks_at_nothing(*_: Any) -> Plan[None]:
    yield from ()


_told_by_records = effects._told_by_records


def _never_unknown(
    database: Any, key: str, attempt: Any, head: Head | None, version: str | None
) -> Plan[bool]:
    """Take what the head does not remember for what was not written."""
    yield from ()
    return head is not None and attempt.request in head.requests


def _removed_by_us(database: Any, key: str, attempt: Any, head: Head) -> Plan[bool | None]:
    """Take a message that is there no more for one that others removed."""
    result = yield from _told_by_records(database, key, attempt, head)
    return False if result is None and attempt.removed is not None else result


_removed = Editor.removed


def _last_of_run(self: Editor, entries: Sequence[Entry], number: int) -> list[Entry]:
    """Take the last message out of the run instead of the one that was asked for."""
    at, rest = child(entries, number)
    entry = entries[at]
    last = number if entry.level else number - rest + entry.size - 1
    return _removed(self, entries, last)


def _moved_up(entries: Sequence[Entry], at: int, pieces: Sequence[Entry]) -> list[Entry]:
    """Let positions behind a removed message move."""
    return index.joined([*entries[:at], *pieces, *entries[at + 1 :]])


_changed = Editor._changed


def _nodes_left(self: Editor, *arguments: Any, **options: Any) -> list[Entry]:
    result = _changed(self, *arguments, **options)
    self.replaced.clear()
    return result


def _nothing_existing(*_: Any) -> Plan[list[Any]]:
    yield from ()
    return []


_emptied = deciding.emptied


def _begun_anew(head: Head, generation: str | None = None) -> Head:
    return _emptied(head, generation)._replace(garbage=head.garbage)


def _all_is_garbage(head: Head, generation: str | None = None) -> Head:
    """Discard what others are staging, too, though they go on."""
    new = _emptied(head, generation)
    return new._replace(garbage=(*new.garbage, *map(abandoned, head.stagings)))


def _lifetime_of_unread(head: Head) -> float | None:
    return None if head.entries else EMPTY_LIFETIME


def _first_part(text: str) -> texts.Stored:
    return _load_text(text)._replace(parts=1)


_load_text = texts.load


class _TextsOfSweepers:
    load = staticmethod(_first_part)
    id_of = staticmethod(texts.id_of)


class _BlindToUnmarked(deciding.Adding):
    """Looks at markers alone, though some are still to be written."""

    def __call__(self, view: Any) -> Plan[Any]:
        return super().__call__(view._replace(head=view.head._replace(unmarked=())))


def _records_in_disorder(*arguments: Any) -> dict[str, str]:
    return dict(reversed(_records(*arguments).items()))


_records = committing.records


def _guessable(size: int) -> bytes:
    return random.randbytes(size)


def _patch(target: Any, name: str, new: Any) -> Callable[[], AbstractContextManager[Any]]:
    return partial(mock.patch.object, target, name, new)


MUTANTS = {
    "versions repeat": Algorithm(database=RepeatedVersions),
    "staged under numbers that others get": Algorithm(
        patches=_patch(Change, "_commit", _commit_without_numbers)
    ),
    "requests forgotten at delete": Algorithm(database=ForgottenRequests),
    "a lost answer is taken for a failure": Algorithm(
        patches=_patch(Change, "_taken_effect", _looks_at_nothing)
    ),
    "a request that is forgotten is applied again": Algorithm(
        patches=_patch(committing, "took_effect", _never_unknown)
    ),
    "a removal is applied again where the message is gone": Algorithm(
        patches=_patch(effects, "_told_by_records", _removed_by_us)
    ),
    "a reader trusts the remembered head": Algorithm(store=TrustingReader),
    "a missing record is not looked for again": Algorithm(store=HastyReader),
    "swept before the head forgets it": Algorithm(
        patches=_patch(Observer, "without_abandoned", _without_abandoned_kept)
    ),
    "clocks decide what is abandoned": Algorithm(
        patches=_patch(Observer, "without_abandoned", _abandoned_by_clock)
    ),
    "an expired conversation goes on": Algorithm(
        patches=_patch(context, "emptied", lambda head: head)
    ),
    "another message is removed": Algorithm(patches=_patch(Editor, "removed", _last_of_run)),
    "positions move": Algorithm(patches=_patch(editing, "spliced", _moved_up)),
    "nodes are left": Algorithm(patches=_patch(Editor, "_changed", _nodes_left)),
    "the count of parts is ignored by readers": Algorithm(
        patches=_patch(texts, "load", _first_part)
    ),
    "the count of parts is ignored by sweepers": Algorithm(
        patches=_patch(tidying, "texts", _TextsOfSweepers)
    ),
    "parts are staged before what leads to them": Algorithm(
        patches=_patch(committing, "records", _records_in_disorder)
    ),
    "markers are not looked at": Algorithm(patches=_patch(IdCheck, "_marked", _nothing_existing)),
    "markers are not written": Algorithm(
        patches=_patch(changes, "marker_text", lambda number: f"{number + 1:x}")
    ),
    "markers that are still to be written are not waited for": Algorithm(
        patches=_patch(store, "Adding", _BlindToUnmarked)
    ),
    "what came while it was staged is not looked at": Algorithm(
        patches=_patch(IdCheck, "_added", _nothing_existing)
    ),
    "a head goes that names what is to be discarded": Algorithm(
        patches=_patch(Head, "lifetime", property(_lifetime_of_unread))
    ),
    "names come from the program's generator": Algorithm(
        patches=_patch(names, "token_bytes", _guessable)
    ),
    "a head goes whatever it became": Algorithm(database=UnconditionalPurge),
    "what was deleted is not discarded": Algorithm(
        patches=_patch(deciding, "emptied", _begun_anew)
    ),
    "what others stage is discarded": Algorithm(
        patches=_patch(deciding, "emptied", _all_is_garbage)
    ),
}
