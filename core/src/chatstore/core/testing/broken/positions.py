"""Stores that confuse positions, epochs and ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatstore.core.backend import Existing, Page, Plan, Record, StoredRecord
from chatstore.core.testing.broken.base import BrokenStore, SoundStore


class KeepsEpochAfterInserts(SoundStore):
    """Moves records and lets iterators believe that they did not move."""

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        before = self._conversations.get(key)
        epoch = None if before is None else before.epoch
        held = yield from super()._insert(key, index, record)
        if epoch is not None:
            self._conversations[key].epoch = epoch
        return held


class KeepsEpochOfKey(SoundStore):
    """Gives a conversation the epoch of the one that had its key before."""

    def _written(self, key: str, conversation: Any) -> Plan[None]:
        conversation.epoch = 0
        yield from super()._written(key, conversation)


class ChangesEpochOnRemoval(SoundStore):
    """Takes a removal for a replacement."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        removed = yield from super()._remove(key, index, force=force)
        if key in self._conversations:
            self._conversations[key].epoch += 1_000_000
        return removed


class GivesPositionsAgain(SoundStore):
    """Takes the highest position that there is, plus one."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        if found is not None:
            found.next_position = found.records[-1].position + 1
        return (yield from super()._append(key, records))


class CountsPositions(SoundStore):
    """Takes the number of messages for the next position."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        if found is not None:
            bodies = [record.body for record in found.records]
            ids = [found.ids[record.position] for record in found.records]
            found.records[:] = [StoredRecord(n, body) for n, body in enumerate(bodies)]
            found.ids = dict(enumerate(ids))
            found.next_position = len(bodies)
        return (yield from super()._append(key, records))


class HoldsRemovedIds(SoundStore):
    """Removes a message and keeps the mark of its id."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        bodies = dict(found.bodies) if found else {}
        removed = yield from super()._remove(key, index, force=force)
        if found is not None:
            found.bodies = bodies
        return removed


class HoldsIdsAfterSet(SoundStore):
    """Replaces the messages and keeps the marks of their ids."""

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        found = yield from self._find(key)
        bodies = dict(found.bodies) if found else {}
        yield from super()._replace(key, records)
        self._conversations[key].bodies = bodies | self._conversations[key].bodies


class ForgetsIdsThatMove(SoundStore):
    """Loses the marks of messages that an insert moves."""

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        held = yield from super()._insert(key, index, record)
        if not held:
            conversation = self._conversations[key]
            conversation.bodies = {record.id: record.body}
        return held


class FreesTheNewestId(SoundStore):
    """Frees the id of the newest message, whichever was removed."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        bodies = dict(found.bodies) if found else {}
        removed = yield from super()._remove(key, index, force=force)
        if removed is not None and found is not None:
            bodies.pop(next(reversed(bodies)))
            found.bodies = bodies
        return removed


class IncludesBefore(SoundStore):
    """Reads the record at a position, too, when those before it are asked for."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        until = None if before is None else before + 1
        return super()._read_newest(key, limit, before=until, leading=leading)


class IncludesAfter(SoundStore):
    """Reads the record at a position, too, when those after it are asked for."""

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        return super()._read_oldest(key, limit, after=None if after is None else after - 1)


class IgnoresBefore(SoundStore):
    """Reads the newest page again and again."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        return super()._read_newest(key, limit, leading=leading)


class IgnoresAfter(SoundStore):
    """Reads the oldest page again and again."""

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        return super()._read_oldest(key, limit)


BROKEN = (
    BrokenStore(KeepsEpochAfterInserts, ("test_iterating_notices",), "insert_first sync"),
    BrokenStore(KeepsEpochAfterInserts, ("test_iterating_notices",), "insert_last_but_one sync"),
    BrokenStore(KeepsEpochOfKey, ("test_iterating_notices",), "begin_again sync"),
    BrokenStore(KeepsEpochOfKey, ("test_iterating_notices",), "empty_and_add sync"),
    BrokenStore(KeepsEpochOfKey, ("test_iterating_notices",), "set sync"),
    BrokenStore(ChangesEpochOnRemoval, ("test_iterating_goes_on_after_removals",)),
    BrokenStore(GivesPositionsAgain, ("test_positions_are_not_given_again",)),
    BrokenStore(CountsPositions, ("test_positions_of_many_removed_are_not_given_again",)),
    BrokenStore(HoldsRemovedIds, ("test_ids_are_free_after_removal",)),
    BrokenStore(HoldsIdsAfterSet, ("test_ids_are_free_after_a_set",)),
    BrokenStore(ForgetsIdsThatMove, ("test_ids_move_with_their_messages",)),
    BrokenStore(FreesTheNewestId, ("test_ids_are_free_after_removal",)),
    BrokenStore(IncludesBefore, ("test_iterates_in_pages",)),
    BrokenStore(IncludesAfter, ("test_iterates_in_pages",)),
    BrokenStore(IgnoresBefore, ("test_iterates_in_pages",), reason="does not end"),
    BrokenStore(IgnoresAfter, ("test_iterates_in_pages",), reason="does not end"),
)
