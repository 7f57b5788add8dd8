"""Backends whose calls read more the longer a conversation is, and that leave records behind."""

from __future__ import annotations

from collections import Counter

from chatstore.core.backend import (
    Append,
    Delete,
    Existing,
    Newest,
    Page,
    Plan,
    Remove,
    Replace,
    StoredRecord,
    call,
)
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, CorrectBackend


def _read_all(key: str) -> Plan[Conversations, int]:
    def read(conversations: Conversations) -> int:
        conversation = conversations.find(key)
        return 0 if conversation is None else len(list(conversation.records))

    return call(read)


class ReadsAllToAppend(BrokenBackend):
    """Searches the conversation for the id of a new message."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        yield from _read_all(key)
        return (yield from self.inner.append(key, write))


class ReadsAllForAPage(BrokenBackend):
    """Reads the conversation and cuts it in Python."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        yield from _read_all(key)
        return (yield from self.inner.read_newest(key, read))


class CountsByReading(BrokenBackend):
    """Reads all messages to count them."""

    def count(self, key: str) -> Plan[Conversations, int]:
        return _read_all(key)


class ReadsAllToRemove(BrokenBackend):
    """Rewrites the whole conversation without the message."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        yield from _read_all(key)
        return (yield from self.inner.remove(key, write))


class RequestsEachBatch(BrokenBackend):
    """Makes a request for each earlier batch of the conversation."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Start without batches."""
        super().__init__(inner)
        self.batches: Counter[str] = Counter()

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        self.batches[key] += 1
        self.inner.requests += self.batches[key]
        return self.inner.append(key, write)


class KeepsDeletedRecords(BrokenBackend):
    """Deletes the conversation and leaves its records in the database."""

    def delete(self, key: str, write: Delete) -> Plan[Conversations, None]:
        self.inner.left_behind += yield from self.inner.count(key)
        yield from self.inner.delete(key, write)


class KeepsReplacedRecords(BrokenBackend):
    """Writes the new records beside the old ones."""

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        self.inner.left_behind += yield from self.inner.count(key)
        yield from self.inner.replace(key, write)


class KeepsMarkersOfRemoved(BrokenBackend):
    """Leaves a marker for each message that was removed."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        removed = yield from self.inner.remove(key, write)
        self.inner.left_behind += removed is not None
        return removed


class KeepsExpired(BrokenBackend):
    """Hides expired conversations and never frees their storage."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        now = self.inner.clock()
        expired = [one for one in self.by_key.values() if one.is_expired(now)]
        self.inner.left_behind += sum(len(one.records) for one in expired)
        return self.inner.append(key, write)


BROKEN = (
    BrokenStore(ReadsAllToAppend, ("test_cost_does_not_grow",), "once sync", "append: work"),
    BrokenStore(ReadsAllForAPage, ("test_cost_does_not_grow",), "once sync", "window: work"),
    BrokenStore(ReadsAllForAPage, ("test_cost_does_not_grow",), "once sync", "newest: work"),
    BrokenStore(CountsByReading, ("test_cost_does_not_grow",), "once sync", "count: work"),
    BrokenStore(ReadsAllToRemove, ("test_cost_does_not_grow",), "once sync", "remove: work"),
    BrokenStore(RequestsEachBatch, ("test_cost_does_not_grow",), "batches sync", "append: req"),
    BrokenStore(
        KeepsDeletedRecords, ("test_deleted_conversations_leave_nothing",), reason="left records"
    ),
    BrokenStore(
        KeepsReplacedRecords, ("test_replaced_conversations_leave_nothing",), reason="left records"
    ),
    BrokenStore(KeepsMarkersOfRemoved, ("test_replaced_conversations_leave_nothing",)),
    BrokenStore(KeepsMarkersOfRemoved, ("test_deleted_conversations_leave_nothing",)),
    BrokenStore(KeepsExpired, ("test_expired_conversations_leave_nothing",), reason="left records"),
)
