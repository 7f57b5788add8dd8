"""Backends that lose, change or double messages when they write."""

from __future__ import annotations

import time
from dataclasses import replace

from chatstore.core import codec
from chatstore.core.backend import Append, Existing, Newest, Oldest, Page, Plan, Record, Replace
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, UnlockedBackend

_PAUSE = 0.002  # seconds in which another thread can run


class SetAppends(BrokenBackend):
    """Writes the new conversation and forgets to delete the old one."""

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        yield from self.inner.append(key, Append(write.records))


class KeepsTheRestOnSet(BrokenBackend):
    """Keeps the old messages behind a shorter replacement."""

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        conversation = self.conversation_of(key)
        rest: list[Record] = []
        if conversation is not None:
            records = list(conversation.records)[len(write.records) :]
            rest = [Record(conversation.ids[r.position], r.body) for r in records]
        yield from self.inner.replace(key, write)
        self.by_key[key].extend(rest)


class LosesUpdates(UnlockedBackend):
    """Reads, changes and writes back without a lock."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        before = list(conversation.records) if conversation else []
        time.sleep(_PAUSE)
        existing = yield from self.inner.append(key, write)
        if not existing:
            conversation = self.by_key[key]
            conversation.records = before + conversation.records[-len(write.records) :]
        return existing


class DropsEqualMessages(BrokenBackend):
    """Drops a message whose content equals that of the message before."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        if conversation is not None:
            newest = list.__getitem__(conversation.records, -1).body
            if codec.decode(key, 0, newest) == codec.decode(key, 0, write.records[0].body):
                return []
        return (yield from self.inner.append(key, write))


class AppendsUpToTheConflict(BrokenBackend):
    """Writes the messages before the one that conflicts."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        existing = conversation.existing(write.records) if conversation else []
        if conversation is None or not existing:
            return (yield from self.inner.append(key, write))
        first = next(n for n, r in enumerate(write.records) if r.id in conversation.bodies)
        if first:
            yield from self.inner.append(key, Append(write.records[:first]))
        return existing


class DoublesRepeatedMessages(BrokenBackend):
    """Appends a message whose id exists."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        records = [Record(codec.new_id(), record.body) for record in write.records]
        return self.inner.append(key, Append(records))


class CutsLongMessages(BrokenBackend):
    """Stores only a megabyte of a message."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        cut = [Record(r.id, r.body[: 2**20] + r.body[2**20 :][-40:]) for r in write.records]
        return self.inner.append(key, Append(cut))


class DropsNul(BrokenBackend):
    """Removes a character that its database does not accept."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        records = [Record(r.id, r.body.replace("\\u0000", "")) for r in write.records]
        return self.inner.append(key, Append(records))


class StoresNoneAsEmpty(BrokenBackend):
    """Stores missing content as empty content."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        records = [
            Record(r.id, r.body.replace('"content":null', '"content":""')) for r in write.records
        ]
        return self.inner.append(key, Append(records))


class KeepsAThousand(BrokenBackend):
    """Has an undocumented limit."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        most = 1000 if read.limit is None else min(1000, read.limit)
        return self.inner.read_newest(key, replace(read, limit=most))


class MixesGenerations(BrokenBackend):
    """Lets an iterator continue after its conversation was replaced."""

    def read_oldest(self, key: str, read: Oldest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_oldest(key, read)
        return page._replace(epoch=0)

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_newest(key, read)
        return page._replace(epoch=0)


BROKEN = (
    BrokenStore(SetAppends, ("test_set_replaces",)),
    BrokenStore(KeepsTheRestOnSet, ("test_set_replaces",)),
    BrokenStore(LosesUpdates, ("test_eight_writers_lose_nothing",)),
    BrokenStore(DropsEqualMessages, ("test_equal_messages_are_all_kept",)),
    BrokenStore(AppendsUpToTheConflict, ("test_one_conflict_refuses_all",)),
    BrokenStore(DoublesRepeatedMessages, ("test_same_id_again_is_a_no_op",)),
    BrokenStore(CutsLongMessages, ("test_message_of_5_mib",)),
    BrokenStore(DropsNul, ("test_content_comes_back",)),
    BrokenStore(StoresNoneAsEmpty, ("test_content_comes_back",)),
    BrokenStore(KeepsAThousand, ("test_two_thousand_messages",)),
    BrokenStore(MixesGenerations, ("test_set_during_iteration_raises",)),
)
