"""A complete backend: conversations in a dictionary, with a lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, dropwhile, islice
from typing import Any, TypeAlias, TypeVar

from chatstore.core import ChatStoreError
from chatstore.core.backend import (
    Append, Backend, Existing, ForkLock, Insert, KeyPage, Page, Plan, Record, Remove, Replace,
    StoredRecord, call, run,
)  # fmt: skip

T = TypeVar("T")
epochs = count(1)


@dataclass
class Conversation:
    records: dict[str, StoredRecord] = field(default_factory=dict)  # by id, in their order
    epoch: int | None = None  # `None`: the conversation does not exist
    next_position: int = 0
    expires_at: float = float("inf")


Database: TypeAlias = dict[str, Conversation]  # by key, in the order of their last writes


def database() -> Plan[Database, Database]:
    return call(lambda db: db)  # one step is enough: `run` makes the whole plan atomic


class DictBackend(Backend[Database]):
    def __init__(
        self, db: Database, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._db, self._clock, self._lock = db, clock, ForkLock()
        self._ttl = float("inf") if ttl is None else ttl

    def run(self, plan: Plan[Database, T]) -> T:
        with self._lock:
            while self._db and next(iter(self._db.values())).expires_at <= self._clock():
                del self._db[next(iter(self._db))]
            return run(plan, self._db)

    async def async_run(self, plan: Plan[Database, T]) -> T:
        return self.run(plan)  # nothing in a plan waits

    def translate(self, error: Exception) -> ChatStoreError | None:
        return None  # there is no driver

    def close(self) -> None:
        pass

    async def async_close(self) -> None:
        pass

    def _save(self, db: Database, key: str, conversation: Conversation) -> None:
        db.pop(key, None)
        if conversation.records:
            db[key] = conversation  # the newest write comes last
            conversation.expires_at = self._clock() + self._ttl

    def _add(
        self, db: Database, key: str, records: Sequence[Record], index: int | None = None
    ) -> list[Existing]:
        conversation = db.get(key) or Conversation(epoch=next(epochs))
        stored = conversation.records
        if existing := [Existing(r.id, stored[r.id].body) for r in records if r.id in stored]:
            return existing
        ids = [] if index is None else list(stored)[index:]
        if ids:  # positions only grow, so the later records get new ones
            records = [*records, *(Record(later, stored.pop(later).body) for later in ids)]
            conversation.epoch = next(epochs)
        for position, record in enumerate(records, conversation.next_position):
            stored[record.id] = StoredRecord(position, record.body)
        conversation.next_position += len(records)
        self._save(db, key, conversation)
        return []

    def append(self, key: str, write: Append) -> Plan[Database, list[Existing]]:
        return call(lambda db: self._add(db, key, write.records))

    def insert(self, key: str, write: Insert) -> Plan[Database, list[Existing]]:
        return call(lambda db: self._add(db, key, [write.record], write.index))

    def replace(self, key: str, write: Replace) -> Plan[Database, None]:
        yield from self.delete(key)
        yield from self.append(key, Append(write.records))

    def delete(self, key: str) -> Plan[Database, None]:
        db = yield from database()
        db.pop(key, None)

    def remove(self, key: str, write: Remove) -> Plan[Database, StoredRecord | None]:
        db = yield from database()
        conversation = db.get(key, Conversation())
        ids = list(conversation.records)
        if not -len(ids) <= write.index < len(ids):
            return None
        record = conversation.records[ids[write.index]]
        write.check(record)  # raises if the record must stay
        del conversation.records[ids[write.index]]
        self._save(db, key, conversation)
        return record

    def count(self, key: str) -> Plan[Database, int]:
        return call(lambda db: len(db.get(key, Conversation()).records))

    def read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Database, Page]:
        conversation = (yield from database()).get(key, Conversation())
        end = conversation.next_position if before is None else before
        records = conversation.records.values()
        older = dropwhile(lambda record: record.position >= end, reversed(records))
        first = list(islice(records, leading))
        return Page(conversation.epoch, list(islice(older, limit))[::-1], first)

    def read_oldest(
        self, key: str, limit: int, *, after: int | None = None
    ) -> Plan[Database, Page]:
        conversation = (yield from database()).get(key, Conversation())
        start, records = -1 if after is None else after, conversation.records.values()
        newer = dropwhile(lambda record: record.position <= start, records)
        return Page(conversation.epoch, list(islice(newer, limit)))

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Database, KeyPage]:
        db = yield from database()
        keys = sorted(k for k in db if k.startswith(prefix) and (cursor is None or k > cursor))
        return KeyPage(keys[:limit], keys[limit - 1] if len(keys) > limit else None)
