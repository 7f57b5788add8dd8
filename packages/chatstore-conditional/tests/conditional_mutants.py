"""The algorithm with one mistake each: a useful simulation finds them all."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

from conditional_network import SimulatedBackend, SimulatedDatabase, Step
from conditional_simulation import Algorithm

from chatstore.conditional import (
    HeadWrite,
    adding,
    change,
    commit,
    context,
    conversations,
    editing,
    garbage,
    lost_replies,
    names,
    reading,
    removing,
    staging,
)
from chatstore.conditional import entries as index
from chatstore.conditional import head as head_module
from chatstore.conditional.abandoned import STAGING_TIME, Observer, garbage_of
from chatstore.conditional.change import Change
from chatstore.conditional.editing import Editor
from chatstore.conditional.encoding import StoredMessage, load_first_part
from chatstore.conditional.entries import Entry, child
from chatstore.conditional.head import EMPTY_LIFETIME, Head, StoredHead
from chatstore.conditional.head_json import dump_head, load_head
from chatstore.conditional.id_markers import IdCheck
from chatstore.conditional.lookup import OutdatedError, newest, oldest
from chatstore.core.backend import Newest, Page, Plan, StoredRecord


class RepeatedVersions(SimulatedDatabase):
    """Versions count from 1 again when a conversation begins again."""

    def commit(self, key: str, write: HeadWrite) -> Plan[Any, str | None]:
        """See `Database.commit`."""
        [step] = super().commit(key, write)
        assert isinstance(step, Step)

        def counted(client: Any) -> str | None:
            before = self.heads.get(key)
            if step.act(client) is None:
                return None
            is_new = (
                before is None
                or load_head(before[0]).generation != load_head(write.head).generation
            )
            version = "1" if is_new or before is None else str(int(before[1]) + 1)
            self.heads[key] = (write.head, version)
            return version

        result: str | None = yield Step("commit", counted)
        return result


class ForgottenRequests(SimulatedDatabase):
    """The head of a deleted conversation does not remember which requests took effect."""

    def commit(self, key: str, write: HeadWrite) -> Plan[Any, str | None]:
        """See `Database.commit`."""
        new = load_head(write.head)
        if not new.entries and not new.stagings:
            new = new._replace(requests=())
        return super().commit(key, replace(write, head=dump_head(new)))


class UnconditionalPurge(SimulatedDatabase):
    """A head is deleted even if it has changed meanwhile."""

    def delete_head(self, key: str, expected: str) -> Plan[Any, None]:
        """See `Database.delete_head`."""
        del expected
        yield Step("commit", lambda _: self.heads.pop(key, None))


class TrustingReader(SimulatedBackend):
    """Counts by the head that a writer remembers."""

    def count(self, key: str) -> Plan[Any, int]:
        """See `Backend.count`."""
        if key in self._heads:
            return self._heads[key].head.length
        return (yield from super().count(key))


class HastyReader(SimulatedBackend):
    """Takes a missing record for a removed one, and does not look again."""

    def read_newest(self, key: str, read: Newest) -> Plan[Any, Page]:
        """See `Backend.read_newest`."""
        database = self.context.database
        stored = yield from reading.read_head(database, key)
        if stored is None or not stored.head.entries:
            return Page(None, [])
        head = stored.head
        if head.is_expired(self.context.clock()):
            return Page(None, [])
        pages = []
        for locating in (
            newest(database, key, head, read.limit, read.before),
            oldest(database, key, head, read.leading, None),
        ):
            try:
                locations = yield from locating
            except OutdatedError:
                locations = []
            numbers = [location.number for location in locations]
            messages = yield from reading.read_existing(database, key, head.stream, numbers)
            pages.append([StoredRecord(n, message.body) for n, message in messages.items()])
        return Page(head.epoch, pages[0], pages[1])


def _without_abandoned_but_listed(
    self: Observer, head: Head, now: float, owner: str | None = None
) -> Head:
    """Delete abandoned stagings, but leave them in the head: their owners may still commit."""
    result = _without_abandoned(self, head, now, owner)
    return result._replace(stagings=head.stagings)


_without_abandoned = Observer.without_abandoned


def _abandoned_by_clock(self: Observer, head: Head, now: float, owner: str | None = None) -> Head:
    """Trust that all clocks agree: a staging has the time of the process that noticed it."""
    del self
    late = [s for s in head.stagings if s.noticed is not None and s.noticed + STAGING_TIME <= now]
    late = [item for item in late if item.owner != owner]
    others = tuple(
        s if s.noticed is not None or s.owner == owner else s._replace(noticed=now)
        for s in head.stagings
        if s not in late
    )
    return head._replace(stagings=others, garbage=(*head.garbage, *map(garbage_of, late)))


def _commit_without_numbers(self: Change[Any], version: str | None, item: Any) -> Plan[Any, Any]:
    if item.head.stagings and not item.puts:
        item = item._replace(head=item.head._replace(next_number=item.head.stagings[-1].number))
    return (yield from _commit(self, version, item))


_commit = Change._commit


_by_records = lost_replies._by_records


def _never_effective(*_: Any) -> Plan[Any, bool]:
    yield from ()
    return False


def _never_unknown(
    database: Any, key: str, attempt: Any, stored: StoredHead | None
) -> Plan[Any, bool]:
    """Assume that a request that the head does not remember was not written."""
    del database, key
    yield from ()
    return stored is not None and attempt.request in stored.head.requests


def _removed_by_us(database: Any, key: str, attempt: Any, head: Head) -> Plan[Any, bool | None]:
    """Assume that another writer removed a message that does not exist any more."""
    result = yield from _by_records(database, key, attempt, head)
    return False if result is None and attempt.removed is not None else result


_removed = Editor.removed


def _last_of_run(self: Editor, entries: Sequence[Entry], number: int) -> list[Entry]:
    """Take the last message out of the run instead of the requested one."""
    at, rest = child(entries, number)
    entry = entries[at]
    last = number if entry.level else number - rest + entry.size - 1
    return _removed(self, entries, last)


def _moved_up(entries: Sequence[Entry], at: int, pieces: Sequence[Entry]) -> list[Entry]:
    """Let positions behind a removed message change."""
    return index.joined([*entries[:at], *pieces, *entries[at + 1 :]])


_changed = Editor._changed


def _nodes_left(self: Editor, *arguments: Any, **options: Any) -> list[Entry]:
    result = _changed(self, *arguments, **options)
    self.replaced.clear()
    return result


def _nothing_existing(*_: Any) -> Plan[Any, list[Any]]:
    yield from ()
    return []


_emptied = head_module.emptied


def _without_garbage(head: Head, generation: str | None = None) -> Head:
    return _emptied(head, generation)._replace(garbage=head.garbage)


def _all_is_garbage(head: Head, generation: str | None = None) -> Head:
    """Delete what other requests are staging, too, though they continue."""
    new = _emptied(head, generation)
    return new._replace(garbage=(*new.garbage, *map(garbage_of, head.stagings)))


def _lifetime_of_unread(head: Head) -> float | None:
    return None if head.entries else EMPTY_LIFETIME


def _one_part(text: str) -> StoredMessage:
    return load_first_part(text)._replace(parts=1)


class _BlindToUnmarked(adding.Adding[Any]):
    """Looks at markers only, though some are still to be written."""

    def __call__(self, view: Any) -> Plan[Any, Any]:
        return super().__call__(view._replace(head=view.head._replace(unmarked=())))


def _records_in_disorder(*arguments: Any) -> dict[str, str]:
    return dict(reversed(commit.message_records(*arguments).items()))


def _guessable(size: int) -> bytes:
    return random.randbytes(size)


def patch(target: Any, name: str, new: Any) -> Callable[[], AbstractContextManager[Any]]:
    """Return patches that replace one thing."""
    return partial(mock.patch.object, target, name, new)


def patches(name: str, new: Any, *targets: Any) -> Callable[[], AbstractContextManager[Any]]:
    """Return patches that replace a name in several modules."""

    @contextmanager
    def patched() -> Iterator[None]:
        with ExitStack() as stack:
            for target in targets:
                stack.enter_context(mock.patch.object(target, name, new))
            yield

    return patched


MUTANTS = {
    "versions repeat": Algorithm(database=RepeatedVersions),
    "staged under numbers that others get": Algorithm(
        patches=patch(Change, "_commit", _commit_without_numbers)
    ),
    "requests forgotten at delete": Algorithm(database=ForgottenRequests),
    "a lost reply is taken for a failure": Algorithm(
        patches=patch(change, "took_effect", _never_effective)
    ),
    "a forgotten request is applied again": Algorithm(
        patches=patch(change, "took_effect", _never_unknown)
    ),
    "a removal is applied again if the message is gone": Algorithm(
        patches=patch(lost_replies, "_by_records", _removed_by_us)
    ),
    "a reader trusts the remembered head": Algorithm(backend=TrustingReader),
    "a missing record is not looked for again": Algorithm(backend=HastyReader),
    "deleted before the head forgets it": Algorithm(
        patches=patch(Observer, "without_abandoned", _without_abandoned_but_listed)
    ),
    "clocks decide what is abandoned": Algorithm(
        patches=patch(Observer, "without_abandoned", _abandoned_by_clock)
    ),
    "an expired conversation goes on": Algorithm(
        patches=patch(context, "emptied", lambda head: head)
    ),
    "another message is removed": Algorithm(patches=patch(Editor, "removed", _last_of_run)),
    "positions change": Algorithm(patches=patch(editing, "spliced", _moved_up)),
    "nodes are left": Algorithm(patches=patch(Editor, "_changed", _nodes_left)),
    "readers ignore the number of parts": Algorithm(
        patches=patch(reading, "load_first_part", _one_part)
    ),
    "the number of parts is ignored when garbage is deleted": Algorithm(
        patches=patch(garbage, "load_first_part", _one_part)
    ),
    "parts are staged before what leads to them": Algorithm(
        patches=patch(staging, "first_records", _records_in_disorder)
    ),
    "markers are not looked at": Algorithm(patches=patch(IdCheck, "_all", _nothing_existing)),
    "markers are not written": Algorithm(
        patches=patch(commit, "dump_marker", lambda number: f"{number + 1:x}")
    ),
    "missing markers are not waited for": Algorithm(
        patches=patch(conversations, "Adding", _BlindToUnmarked)
    ),
    "messages that came during staging are not looked at": Algorithm(
        patches=patch(IdCheck, "_added", _nothing_existing)
    ),
    "a head is deleted that refers to garbage": Algorithm(
        patches=patch(Head, "lifetime", property(_lifetime_of_unread))
    ),
    "names come from the program's generator": Algorithm(
        patches=patch(names, "token_bytes", _guessable)
    ),
    "a head is deleted though it has changed": Algorithm(database=UnconditionalPurge),
    "deleted messages do not become garbage": Algorithm(
        patches=patches("emptied", _without_garbage, adding, removing, head_module)
    ),
    "staged records become garbage": Algorithm(
        patches=patches("emptied", _all_is_garbage, adding, removing, head_module)
    ),
}
