"""Backends that confuse positions, epochs and ids."""

from __future__ import annotations

from dataclasses import replace

from chatstore.core.backend import (
    Append,
    Existing,
    Insert,
    Newest,
    Oldest,
    Page,
    Plan,
    Remove,
    Replace,
    StoredRecord,
)
from chatstore.core.simple import Conversation, Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore


class KeepsEpochAfterInserts(BrokenBackend):
    """Moves records without telling iterators."""

    def insert(self, key: str, write: Insert) -> Plan[Conversations, list[Existing]]:
        conversation = self.by_key.get(key)
        epoch = None if conversation is None else conversation.epoch
        existing = yield from self.inner.insert(key, write)
        if epoch is not None:
            self.by_key[key].epoch = epoch
        return existing


class KeepsEpochOfKey(BrokenBackend):
    """Gives a conversation the epoch of the previous one with its key."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        existing = yield from self.inner.append(key, write)
        self.by_key[key].epoch = 0
        return existing

    def insert(self, key: str, write: Insert) -> Plan[Conversations, list[Existing]]:
        existing = yield from self.inner.insert(key, write)
        self.by_key[key].epoch = 0
        return existing

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        yield from self.inner.replace(key, write)
        self.by_key[key].epoch = 0


class ChangesEpochOnRemoval(BrokenBackend):
    """Treats a removal as a replacement."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        removed = yield from self.inner.remove(key, write)
        if key in self.by_key:
            self.by_key[key].epoch += 1_000_000
        return removed


class ReusesPositions(BrokenBackend):
    """Assigns the highest position that exists, plus one."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        if conversation is not None:
            conversation.next_position = conversation.records[-1].position + 1
        return self.inner.append(key, write)


class CountsPositions(BrokenBackend):
    """Takes the number of messages for the next position."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        if conversation is not None:
            bodies = [record.body for record in conversation.records]
            ids = [conversation.ids[record.position] for record in conversation.records]
            conversation.records[:] = [StoredRecord(n, body) for n, body in enumerate(bodies)]
            conversation.ids = dict(enumerate(ids))
            conversation.next_position = len(bodies)
        return self.inner.append(key, write)


class KeepsRemovedIds(BrokenBackend):
    """Removes a message and keeps its id."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        conversation = self.conversation_of(key)
        bodies = _bodies(conversation)
        removed = yield from self.inner.remove(key, write)
        if conversation is not None:
            conversation.bodies = bodies
        return removed


class KeepsIdsAfterSet(BrokenBackend):
    """Replaces the messages and keeps their ids."""

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        bodies = _bodies(self.conversation_of(key))
        yield from self.inner.replace(key, write)
        self.by_key[key].bodies = bodies | self.by_key[key].bodies


class ForgetsIdsThatMove(BrokenBackend):
    """Loses the ids of messages that an insertion moves."""

    def insert(self, key: str, write: Insert) -> Plan[Conversations, list[Existing]]:
        existing = yield from self.inner.insert(key, write)
        if not existing:
            self.by_key[key].bodies = {write.record.id: write.record.body}
        return existing


class FreesTheNewestId(BrokenBackend):
    """Frees the id of the newest message instead of the removed one's."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        conversation = self.conversation_of(key)
        bodies = _bodies(conversation)
        removed = yield from self.inner.remove(key, write)
        if removed is not None and conversation is not None:
            bodies.pop(next(reversed(bodies)))
            conversation.bodies = bodies
        return removed


class IncludesBefore(BrokenBackend):
    """Also reads the record at the position before which it should read."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        end = None if read.before is None else read.before + 1
        return self.inner.read_newest(key, replace(read, before=end))


class IncludesAfter(BrokenBackend):
    """Also reads the record at the position after which it should read."""

    def read_oldest(self, key: str, read: Oldest) -> Plan[Conversations, Page]:
        start = None if read.after is None else read.after - 1
        return self.inner.read_oldest(key, replace(read, after=start))


class IgnoresBefore(BrokenBackend):
    """Returns the newest page for every position."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        return self.inner.read_newest(key, replace(read, before=None))


class IgnoresAfter(BrokenBackend):
    """Returns the oldest page for every position."""

    def read_oldest(self, key: str, read: Oldest) -> Plan[Conversations, Page]:
        return self.inner.read_oldest(key, replace(read, after=None))


def _bodies(conversation: Conversation | None) -> dict[str, str]:
    return {} if conversation is None else dict(conversation.bodies)


BROKEN = (
    BrokenStore(KeepsEpochAfterInserts, ("test_iterating_notices",), "insert_first sync"),
    BrokenStore(KeepsEpochAfterInserts, ("test_iterating_notices",), "insert_last_but_one sync"),
    BrokenStore(KeepsEpochOfKey, ("test_iterating_notices",), "begin_again sync"),
    BrokenStore(KeepsEpochOfKey, ("test_iterating_notices",), "empty_and_add sync"),
    BrokenStore(KeepsEpochOfKey, ("test_iterating_notices",), "set sync"),
    BrokenStore(ChangesEpochOnRemoval, ("test_iterating_goes_on_after_removals",)),
    BrokenStore(ReusesPositions, ("test_positions_are_not_given_again",)),
    BrokenStore(CountsPositions, ("test_positions_of_many_removed_are_not_given_again",)),
    BrokenStore(KeepsRemovedIds, ("test_ids_are_free_after_removal",)),
    BrokenStore(KeepsIdsAfterSet, ("test_ids_are_free_after_a_set",)),
    BrokenStore(ForgetsIdsThatMove, ("test_ids_move_with_their_messages",)),
    BrokenStore(FreesTheNewestId, ("test_ids_are_free_after_removal",)),
    BrokenStore(IncludesBefore, ("test_iterates_in_pages",)),
    BrokenStore(IncludesAfter, ("test_iterates_in_pages",)),
    BrokenStore(IgnoresBefore, ("test_iterates_in_pages",), reason="does not end"),
    BrokenStore(IgnoresAfter, ("test_iterates_in_pages",), reason="does not end"),
)
