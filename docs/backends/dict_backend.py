"""A complete backend: conversations in a dictionary, with a lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, dropwhile, islice
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from chatstore.core import ChatStoreError
from chatstore.core.backend import (
    Append, Backend, Existing, ForkLock, Insert, KeyPage, Page, Plan, Record, Remove, Replace,
    StoredRecord, call, run,
)  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")
epochs = count(1)


@dataclass
class Conversation:
    records: dict[str, StoredRecord] = field(default_factory=dict)  # by id, in their order
    epoch: int | None = None  # `None`: the conversation does not exist
    next_position: int = 0
    expires_at: float = float("inf")


Database: TypeAlias = dict[str, Conversation]  # by key, in the order of their last writes


def step(
    method: Callable[Concatenate[DictBackend, Database, P], T],
) -> Callable[Concatenate[DictBackend, P], Plan[Database, T]]:
    """Turn a method that uses the database into one that returns a plan of one step."""

    def plan(self: DictBackend, /, *args: P.args, **kwargs: P.kwargs) -> Plan[Database, T]:
        return call(lambda db: method(self, db, *args, **kwargs))

    return plan


class DictBackend(Backend[Database]):
    def __init__(
        self, db: Database, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._db, self._clock, self._lock = db, clock, ForkLock()
        self._ttl = float("inf") if ttl is None else ttl

    def run(self, plan: Plan[Database, T]) -> T:
        with self._lock:  # makes the plan atomic
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

    def _add(
        self, db: Database, key: str, records: Sequence[Record], index: int | None = None
    ) -> list[Existing]:
        conversation = db.pop(key, None) or Conversation(epoch=next(epochs))
        stored = conversation.records
        existing = [Existing(r.id, stored[r.id].body) for r in records if r.id in stored]
        if existing:
            db[key] = conversation
            return existing
        items = [(record.id, record.body) for record in records]
        if index is not None and (later := list(stored.items())[index:]):
            for record_id, record in later:  # positions only grow, so these get new ones
                del stored[record_id]
                items.append((record_id, record.body))
            conversation.epoch = next(epochs)
        for record_id, body in items:
            stored[record_id] = StoredRecord(conversation.next_position, body)
            conversation.next_position += 1
        conversation.expires_at = self._clock() + self._ttl
        db[key] = conversation
        return []

    @step
    def append(self, db: Database, key: str, write: Append) -> list[Existing]:
        return self._add(db, key, write.records)

    @step
    def insert(self, db: Database, key: str, write: Insert) -> list[Existing]:
        return self._add(db, key, [write.record], write.index)

    @step
    def replace(self, db: Database, key: str, write: Replace) -> None:
        db.pop(key, None)
        self._add(db, key, write.records)

    @step
    def delete(self, db: Database, key: str) -> None:
        db.pop(key, None)

    @step
    def remove(self, db: Database, key: str, write: Remove) -> StoredRecord | None:
        items = list(db.get(key, Conversation()).records.items())
        if not -len(items) <= write.index < len(items):
            return None
        record_id, record = items[write.index]
        write.check(record)  # raises if the record must stay
        conversation = db.pop(key)
        del conversation.records[record_id]
        if conversation.records:
            conversation.expires_at = self._clock() + self._ttl
            db[key] = conversation
        return record

    @step
    def count(self, db: Database, key: str) -> int:
        return len(db.get(key, Conversation()).records)

    @step
    def read_newest(
        self, db: Database, key: str, limit: int | None, *, before: int | None = None,
        leading: int = 0,
    ) -> Page:  # fmt: skip
        conversation = db.get(key, Conversation())
        end = conversation.next_position if before is None else before
        records = conversation.records.values()
        older = dropwhile(lambda record: record.position >= end, reversed(records))
        first = list(islice(records, leading))
        return Page(conversation.epoch, list(islice(older, limit))[::-1], first)

    @step
    def read_oldest(self, db: Database, key: str, limit: int, *, after: int | None = None) -> Page:
        conversation, start = db.get(key, Conversation()), -1 if after is None else after
        records = conversation.records.values()
        newer = dropwhile(lambda record: record.position <= start, records)
        return Page(conversation.epoch, list(islice(newer, limit)))

    @step
    def list_keys(self, db: Database, prefix: str, limit: int, cursor: Any | None) -> KeyPage:
        keys = sorted(k for k in db if k.startswith(prefix) and (cursor is None or k > cursor))
        return KeyPage(keys[:limit], keys[limit - 1] if len(keys) > limit else None)
