"""Stores whose calls read more the longer a conversation is, and that leave things behind."""

from __future__ import annotations

from collections.abc import Sequence

from chatstore.core.backend import Existing, Page, Plan, Record, StoredRecord, call
from chatstore.core.testing.broken.base import BrokenStore, SoundStore


class ReadsAllToAppend(SoundStore):
    """Looks through the conversation for the id of a new message."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        if found is not None:
            list(found.records)
        return (yield from super()._append(key, records))


class ReadsAllForAPage(SoundStore):
    """Reads the conversation and cuts it in Python."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        found = yield from self._find(key)
        if found is not None:
            list(found.records)
        return (yield from super()._read_newest(key, limit, before=before, leading=leading))


class CountsByReading(SoundStore):
    """Reads all messages to count them."""

    def _count(self, key: str) -> Plan[int]:
        found = yield from self._find(key)
        return 0 if found is None else len(list(found.records))


class ReadsAllToRemove(SoundStore):
    """Writes the whole conversation again without the message."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        if found is not None:
            found.records[:] = found.records[:]
        return (yield from super()._remove(key, index, force=force))


class AsksForEachBatch(SoundStore):
    """Makes a request for each earlier batch."""

    batches = 0

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        self.batches += 1
        self.requests += self.batches
        return super()._append(key, records)


class KeepsDeletedRecords(SoundStore):
    """Forgets the conversation and leaves its records where they are."""

    left_behind = 0

    def _delete(self, key: str) -> Plan[None]:
        found = yield from self._find(key)
        self.left_behind += len(found.records) if found else 0
        yield from super()._delete(key)


class KeepsReplacedRecords(SoundStore):
    """Writes the new records beside the old ones."""

    left_behind = 0

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        found = yield from self._find(key)
        self.left_behind += len(found.records) if found else 0
        yield from super()._replace(key, records)


class KeepsMarksOfRemoved(SoundStore):
    """Leaves a mark for each message that was removed."""

    left_behind = 0

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        removed = yield from super()._remove(key, index, force=force)
        self.left_behind += removed is not None
        return removed


class KeepsExpired(SoundStore):
    """Hides expired conversations and never reclaims them."""

    left_behind = 0

    def _written(self, key: str, conversation: object) -> Plan[None]:
        now = self._clock()
        conversations = yield from call(lambda all_of_them: all_of_them)
        self.left_behind += sum(len(c.records) for c in conversations.values() if c.is_expired(now))
        yield from super()._written(key, conversation)  # type: ignore[arg-type]


BROKEN = (
    BrokenStore(ReadsAllToAppend, ("test_cost_does_not_grow",), "once sync append"),
    BrokenStore(ReadsAllForAPage, ("test_cost_does_not_grow",), "once sync window"),
    BrokenStore(ReadsAllForAPage, ("test_cost_does_not_grow",), "once sync newest"),
    BrokenStore(CountsByReading, ("test_cost_does_not_grow",), "once sync count"),
    BrokenStore(ReadsAllToRemove, ("test_cost_does_not_grow",), "once sync remove"),
    BrokenStore(AsksForEachBatch, ("test_cost_does_not_grow",), "batches sync append"),
    BrokenStore(
        KeepsDeletedRecords, ("test_deleted_conversations_leave_nothing",), reason="left records"
    ),
    BrokenStore(
        KeepsReplacedRecords, ("test_replaced_conversations_leave_nothing",), reason="left records"
    ),
    BrokenStore(KeepsMarksOfRemoved, ("test_replaced_conversations_leave_nothing",)),
    BrokenStore(KeepsMarksOfRemoved, ("test_deleted_conversations_leave_nothing",)),
    BrokenStore(KeepsExpired, ("test_expired_conversations_leave_nothing",), reason="left records"),
)
