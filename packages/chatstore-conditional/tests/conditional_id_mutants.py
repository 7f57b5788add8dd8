"""Mistakes in messages by id, revisions, records and lists of owners, one each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any

from conditional_mutants import patch, patches
from conditional_network import KEY, SimulatedBackend
from conditional_simulation import Algorithm

from chatstore.conditional import (
    adding,
    change,
    commit,
    conversations,
    decisions,
    garbage,
    id_markers,
    purging,
    removing,
    staging,
    times,
    updating,
)
from chatstore.conditional.change import Change
from chatstore.conditional.decisions import markers_of
from chatstore.conditional.editing import Editor
from chatstore.conditional.entries import Entry
from chatstore.conditional.head import Garbage, Head, emptied, new_head
from chatstore.conditional.lookup import View
from chatstore.conditional.reading import read_existing
from chatstore.core.backend import Append, Create, Delete, OwnerIndex, Plan, owner_index


def _not_found(*_: Any) -> Plan[Any, None]:
    yield from ()


_truncated = Editor.truncated


def _half_truncated(
    self: Editor, entries: Sequence[Entry], number: int
) -> tuple[list[Entry], list[Entry]]:
    """Keep one message too many, if there are others behind it."""
    count = sum(entry.size for entry in entries)
    is_whole = all(not entry.level for entry in entries)
    return _truncated(self, entries, number + (is_whole and number + 1 < count))


def _first_is_garbage(head: Head, entry: Entry) -> Garbage:
    first, _ = entry.numbers
    return Garbage(first, first + 1, head.generation, head.is_divided)


def with_all_markers(database: Any, key: str, head: Head, item: Garbage) -> Plan[Any, Any]:
    """Delete the markers of truncated messages though they may lead to others by now."""
    pieces, deletes = yield from _without_markers(database, key, head, item)
    numbers = range(item.first, item.end)
    messages = yield from read_existing(database, key, head.stream, numbers)
    names = [name for stored in messages.values() for name in markers_of(head, stored)]
    yield from database.discard(key, names)
    return pieces, [name for name in deletes if name not in names]


_without_markers = garbage._without_markers


_is_current = Change._is_current


def _conflicts_are_current(
    self: Change[Any], version: str | None, decision: decisions.Nothing
) -> Plan[Any, bool]:
    return decision.error is not None or (yield from _is_current(self, version, decision))


_with_times = times.with_times


def _without_skew(head: Head, new: Any) -> Head:
    return _with_times(head, new)._replace(skew=0)


class _CreatingOverAll(adding.Creating[Any]):
    """Begins a conversation though there is one."""

    def __call__(self, view: View) -> Plan[Any, Any]:
        return super().__call__(View(new_head()))


def _entry_after_creation(self: OwnerIndex[Any], key: str, write: Create, create: Any) -> Any:
    owner = write.record.owner
    if owner is None:
        return (yield from create(write))
    entry = token_hex(12)
    result = yield from create(Create(write.record._replace(index_entry=entry), write.records))
    if result is not None:
        records = [owner_index._entry(key, entry)]
        yield from self._lists.append(owner_index._list_key(owner), Append(records))
    return result


class EntryRemovedFirst(SimulatedBackend):
    """Removes the entry from the owner's list before it deletes the conversation."""

    def delete(self, key: str, write: Delete) -> Plan[Any, None]:
        """See `Backend.delete`."""
        [stored] = yield from self.read_conversations([KEY])
        if stored is not None and self._index is not None:
            yield from self._index.forget(stored.record)
        yield from super().delete(key, write)


_commit_of = commit.commit_of


def _with_old_details(stored: Head | None, edited: Any) -> commit.Commit:
    result = _commit_of(stored, edited)
    return result._replace(deletes=[name for name in result.deletes if "_d." not in name])


_check: Callable[..., None] = lambda *_: None


ID_MUTANTS = {
    "a message that moved meanwhile is taken for removed": Algorithm(
        patches=patch(id_markers, "_check_confirmed", _check)
    ),
    "a put message is appended again": Algorithm(patches=patch(adding, "locate_id", _not_found)),
    "a truncation leaves a message": Algorithm(patches=patch(Editor, "truncated", _half_truncated)),
    "truncated messages are left": Algorithm(
        patches=patch(removing, "_garbage_of", _first_is_garbage)
    ),
    "an old revision is accepted": Algorithm(
        patches=patches("check_revision", _check, adding, removing, updating)
    ),
    "a conflict is decided by the remembered head": Algorithm(
        patches=patch(Change, "_is_current", _conflicts_are_current)
    ),
    "ids are searched as if all clocks agreed": Algorithm(
        patches=patches("with_times", _without_skew, times, decisions)
    ),
    "a conversation is created over another one": Algorithm(
        patches=patch(conversations, "Creating", _CreatingOverAll)
    ),
    "the entry in the owner's list is written after the conversation": Algorithm(
        patches=patch(OwnerIndex, "create", _entry_after_creation)
    ),
    "the entry in the owner's list is removed before the conversation": Algorithm(
        backend=EntryRemovedFirst
    ),
    "replacing the messages loses the record": Algorithm(
        patches=patch(adding, "without_messages", emptied)
    ),
    "the record goes with the last message": Algorithm(
        patches=patch(Head, "outlasts_messages", property(lambda _: False))
    ),
    "long titles are left": Algorithm(
        patches=patches("commit_of", _with_old_details, change, staging, purging)
    ),
}
