"""Backends that remove, insert or count messages wrongly."""

from __future__ import annotations

import time
from dataclasses import replace

from chatstore.core.backend import Existing, Insert, Newest, Page, Plan, Remove, StoredRecord
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, UnlockedBackend


class RemovesTheOldest(BrokenBackend):
    """Removes the first message instead of the last one."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        return self.inner.remove(key, replace(write, target=0) if write.target == -1 else write)


class ReturnsTheNewest(BrokenBackend):
    """Returns the newest message instead of the removed one."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        conversation = self.conversation_of(key)
        newest = list.__getitem__(conversation.records, -1) if conversation else None
        removed = yield from self.inner.remove(key, write)
        return None if removed is None else newest


class ClampsIndexes(BrokenBackend):
    """Removes the last message if an index is beyond it."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        conversation = self.conversation_of(key)
        most = len(conversation.records) - 1 if conversation else 0
        target = min(write.target, most) if isinstance(write.target, int) else write.target
        return self.inner.remove(key, replace(write, target=target))


class IgnoresNegativeIndexes(BrokenBackend):
    """Counts every index from the start."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        target = abs(write.target) if isinstance(write.target, int) else write.target
        return self.inner.remove(key, replace(write, target=target))


class ReversesAfterRemoval(BrokenBackend):
    """Rebuilds the list from its end after a removal."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        removed = yield from self.inner.remove(key, write)
        if key in self.by_key:
            self.by_key[key].records.reverse()
        return removed


class RemovesBeforeReading(BrokenBackend):
    """Removes a message before it checks whether the message can be read."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        removed = yield from self.inner.remove(key, replace(write, check=lambda record: record))
        if removed is not None:
            write.check(removed)
        return removed


class RemovesTwiceAtOnce(UnlockedBackend):
    """Gives one message to two callers that remove at the same time."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        conversation = self.conversation_of(key)
        result = None if conversation is None else conversation.index_of(write.target)
        if conversation is None or result is None:
            return None
        record: StoredRecord = list.__getitem__(conversation.records, result)
        time.sleep(0.002)
        if record in conversation.records:
            index = conversation.records.index(record)
            yield from self.inner.remove(key, replace(write, target=index))
        return record


class InsertsBehind(BrokenBackend):
    """Inserts after the index instead of before it."""

    def insert(self, key: str, write: Insert) -> Plan[Conversations, list[Existing]]:
        return self.inner.insert(key, replace(write, index=write.index + 1))


class CountsAppendsOnly(BrokenBackend):
    """Counts appends, and forgets insertions."""

    inserted = 0

    def count(self, key: str) -> Plan[Conversations, int]:
        return max(0, (yield from self.inner.count(key)) - self.inserted)

    def insert(self, key: str, write: Insert) -> Plan[Conversations, list[Existing]]:
        self.inserted += 1
        return self.inner.insert(key, write)


class ReadsOneTooMany(BrokenBackend):
    """Returns one message more than requested."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        most = None if read.limit is None else read.limit + 1
        return self.inner.read_newest(key, replace(read, limit=most))


BROKEN = (
    BrokenStore(RemovesTheOldest, ("test_delete_last_until_empty",)),
    BrokenStore(ReturnsTheNewest, ("test_delete_by_index",)),
    BrokenStore(ClampsIndexes, ("test_delete_where_none_is",)),
    BrokenStore(IgnoresNegativeIndexes, ("test_delete_by_index",)),
    BrokenStore(ReversesAfterRemoval, ("test_delete_by_index",)),
    BrokenStore(RemovesBeforeReading, ("test_corrupt_record_is_not_deleted_by_removing",)),
    BrokenStore(RemovesTwiceAtOnce, ("test_delete_last_returns_each_once",)),
    BrokenStore(InsertsBehind, ("test_insert_is_list_insert",)),
    BrokenStore(CountsAppendsOnly, ("test_insert_is_list_insert",)),
    BrokenStore(ReadsOneTooMany, ("test_last",)),
)
