"""A complete backend: conversations in a dictionary, with a lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, dropwhile, islice
from typing import Any, TypeAlias, TypeVar

from chatstore.core import ChatStoreError
from chatstore.core.backend import (
    Append, Backend, ConversationRecord, Create, Delete, Existing, ForkLock, Insert, KeyPage,
    Newest, Oldest, OwnedPage, Page, Plan, Put, Record, Remove, Replace, StoredConversation,
    StoredRecord, Truncate, Update, call, check_revision, run,
)  # fmt: skip

T = TypeVar("T")
NO_RECORD = ConversationRecord()
numbers = count(1)  # for epochs and revisions, which must never repeat


@dataclass
class Conversation:
    records: dict[str, StoredRecord] = field(default_factory=dict)  # by id, in their order
    next_position: int = 0
    epoch: int = field(default_factory=lambda: next(numbers))
    revision: str = ""
    record: ConversationRecord = NO_RECORD
    created_at: float = 0.0
    updated_at: float = 0.0
    expires_at: float | None = None

    def extend(self, records: Sequence[Record]) -> None:
        for position, record in enumerate(records, self.next_position):
            self.records[record.id] = StoredRecord(position, record.body)
        self.next_position += len(records)

    def stored(self) -> StoredConversation:
        times = self.created_at, self.updated_at, self.expires_at
        return StoredConversation(self.record, *times, len(self.records), self.revision)


Database: TypeAlias = dict[str, Conversation]  # by key, in the order of their last writes


def database() -> Plan[Database, Database]:
    return call(lambda db: db)  # one step is enough: `run` makes the whole plan atomic


class DictBackend(Backend[Database]):
    def __init__(
        self, db: Database, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._db, self._ttl, self._clock, self._lock = db, ttl, clock, ForkLock()

    def run(self, plan: Plan[Database, T]) -> T:
        with self._lock:
            while self._ttl is not None and self._db:
                oldest = next(iter(self._db))
                if self._db[oldest].updated_at + self._ttl > self._clock():
                    break
                del self._db[oldest]
            return run(plan, self._db)

    async def async_run(self, plan: Plan[Database, T]) -> T:
        return self.run(plan)  # nothing in a plan waits

    def translate(self, error: Exception) -> ChatStoreError | None:
        return None  # there is no driver

    def close(self) -> None:
        pass

    async def async_close(self) -> None:
        pass

    def _begin(self, key: str, expected_revision: str | None) -> Plan[Database, Conversation]:
        """Return a conversation for a write, or a new one."""
        conversation = (yield from database()).get(key)
        check_revision(expected_revision, None if conversation is None else conversation.revision)
        return conversation or Conversation()

    def _save(self, key: str, conversation: Conversation) -> Plan[Database, StoredConversation]:
        db = yield from database()
        now = self._clock()
        conversation.revision = str(next(numbers))
        conversation.created_at = conversation.created_at or now
        conversation.updated_at = now
        conversation.expires_at = None if self._ttl is None else now + self._ttl
        db.pop(key, None)
        if conversation.records or conversation.record.outlasts_messages:
            db[key] = conversation  # the newest write comes last
        return conversation.stored()

    # ------------------------------------------------------------------ writing messages

    def append(self, key: str, write: Append) -> Plan[Database, list[Existing]]:
        return self._add(key, write.records, None, write.expected_revision)

    def insert(self, key: str, write: Insert) -> Plan[Database, list[Existing]]:
        return self._add(key, [write.record], write.index, write.expected_revision)

    def _add(
        self, key: str, records: Sequence[Record], index: int | None, expected: str | None
    ) -> Plan[Database, list[Existing]]:
        stored = (yield from database()).get(key, Conversation()).records
        if existing := [Existing(r.id, stored[r.id].body) for r in records if r.id in stored]:
            return existing  # whatever the revision is
        conversation = yield from self._begin(key, expected)
        ids = [] if index is None else list(stored)[index:]
        if ids:  # positions only grow, so the later records get new ones
            conversation.epoch = next(numbers)
        later = [Record(later_id, stored.pop(later_id).body) for later_id in ids]
        conversation.extend([*records, *later])
        yield from self._save(key, conversation)
        return []

    def put(self, key: str, write: Put) -> Plan[Database, None]:
        conversation = yield from self._begin(key, write.expected_revision)
        records, record = conversation.records, write.record
        if record.id in records and not write.moves_to_end:
            records[record.id] = records[record.id]._replace(body=record.body)
        else:
            records.pop(record.id, None)
            conversation.extend([record])
        yield from self._save(key, conversation)

    def replace(self, key: str, write: Replace) -> Plan[Database, None]:
        conversation = yield from self._begin(key, write.expected_revision)
        conversation.epoch = next(numbers)
        conversation.records.clear()
        conversation.extend(write.records)
        yield from self._save(key, conversation)

    def remove(self, key: str, write: Remove) -> Plan[Database, StoredRecord | None]:
        conversation = yield from self._begin(key, write.expected_revision)
        ids, target = list(conversation.records), write.target
        if isinstance(target, int):
            target = ids[target] if -len(ids) <= target < len(ids) else ""
        if target not in conversation.records:
            return None
        record = conversation.records[target]
        write.check(record)  # raises if the record must stay
        del conversation.records[target]
        yield from self._save(key, conversation)
        return record

    def truncate(self, key: str, write: Truncate) -> Plan[Database, int]:
        conversation = yield from self._begin(key, write.expected_revision)
        ids = list(dropwhile(lambda one: one != write.from_id, conversation.records))
        for record_id in ids:
            del conversation.records[record_id]
        if ids:
            yield from self._save(key, conversation)
        return len(ids)

    # ------------------------------------------------------------------ writing conversations

    def create(self, key: str, write: Create) -> Plan[Database, StoredConversation | None]:
        if key in (yield from database()):
            return None
        conversation = Conversation(record=write.record)
        conversation.extend(write.records)
        return (yield from self._save(key, conversation))

    def update(self, key: str, write: Update) -> Plan[Database, StoredConversation | None]:
        conversation = (yield from database()).get(key)
        if conversation is None or conversation.record != write.before:
            return None
        check_revision(write.expected_revision, conversation.revision)
        conversation.record = write.after
        return (yield from self._save(key, conversation))

    def delete(self, key: str, write: Delete) -> Plan[Database, None]:
        yield from self._begin(key, write.expected_revision)
        (yield from database()).pop(key, None)

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[Database, int]:
        return call(lambda db: len(db.get(key, Conversation()).records))

    def read_newest(self, key: str, read: Newest) -> Plan[Database, Page]:
        conversation = (yield from database()).get(key)
        if conversation is None:
            return Page(None, [])
        end = conversation.next_position if read.before is None else read.before
        records = conversation.records.values()
        older = dropwhile(lambda record: record.position >= end, reversed(records))
        first = list(islice(records, read.leading))
        stored = conversation.stored() if read.with_conversation else None
        return Page(conversation.epoch, list(islice(older, read.limit))[::-1], first, stored)

    def read_oldest(self, key: str, read: Oldest) -> Plan[Database, Page]:
        conversation = (yield from database()).get(key)
        if conversation is None:
            return Page(None, [])
        start = -1 if read.after is None else read.after
        records = conversation.records.values()
        newer = dropwhile(lambda record: record.position <= start, records)
        return Page(conversation.epoch, list(islice(newer, read.limit)))

    def find(self, key: str, message_id: str) -> Plan[Database, Page]:
        conversation = (yield from database()).get(key)
        if conversation is None:
            return Page(None, [])
        records = conversation.records
        return Page(conversation.epoch, [records[message_id]] if message_id in records else [])

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Database, list[StoredConversation | None]]:
        db = yield from database()
        return [db[key].stored() if key in db else None for key in keys]

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[Database, OwnedPage]:
        db = yield from database()
        owned = [(one.updated_at, key) for key, one in db.items() if one.record.owner == owner]
        owned = [item for item in owned if cursor is None or item < tuple(cursor)]
        owned.sort(reverse=True)
        page = [(key, db[key].stored()) for _, key in owned[:limit]]
        return OwnedPage(page, owned[limit - 1] if len(owned) > limit else None)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Database, KeyPage]:
        db = yield from database()
        keys = sorted(k for k in db if k.startswith(prefix) and (cursor is None or k > cursor))
        return KeyPage(keys[:limit], keys[limit - 1] if len(keys) > limit else None)
