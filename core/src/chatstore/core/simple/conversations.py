"""The database in memory: conversations by key. Nothing here waits or knows about plans."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from chatstore.core.backend.records import Existing, KeyPage, Page, Record, StoredRecord
from chatstore.core.backend.writes import Append, Insert, Remove, Replace

_epochs = itertools.count()


def _position(record: StoredRecord) -> int:
    return record.position


@dataclass
class Conversation:
    """Records in the order of their positions, and what finds them by id.

    Attributes:
        expires_at: Seconds since 1970; ``None``: never.

    """

    epoch: int = field(default_factory=lambda: next(_epochs))
    next_position: int = 0
    records: list[StoredRecord] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    expires_at: float | None = None

    def is_expired(self, now: float) -> bool:
        """Return whether the conversation has expired."""
        return self.expires_at is not None and self.expires_at <= now

    def existing(self, records: Sequence[Record]) -> list[Existing]:
        """Return the messages whose ids some new records have."""
        return [Existing(r.id, self.bodies[r.id]) for r in records if r.id in self.bodies]

    def extend(self, records: Sequence[Record]) -> None:
        """Append records."""
        for record in records:
            self._append(record.id, record.body)
            self.bodies[record.id] = record.body

    def insert(self, index: int, record: Record) -> None:
        """Insert a record; positions only grow, so all records behind it get new ones."""
        start = slice(index, None).indices(len(self.records))[0]
        behind = self.records[start:]
        del self.records[start:]
        self.extend([record])
        for moved in behind:
            self._append(self.ids.pop(moved.position), moved.body)
        if behind:
            self.epoch = next(_epochs)

    def remove(self, index: int) -> None:
        """Remove a record and its id."""
        record = self.records.pop(index)
        self.bodies.pop(self.ids.pop(record.position, ""), None)

    def _append(self, record_id: str, body: str) -> None:
        self.records.append(StoredRecord(self.next_position, body))
        self.ids[self.next_position] = record_id
        self.next_position += 1


class Conversations:
    """Conversations by key.

    With a ttl they are kept in the order of their last writes, so the first to expire is first.

    Attributes:
        by_key: The conversations, expired ones included.

    """

    def __init__(self, ttl: float | None, clock: Callable[[], float]) -> None:
        """Start empty; ``ttl`` and what ``clock`` returns are in seconds."""
        self.by_key: OrderedDict[str, Conversation] = OrderedDict()
        self._ttl = ttl
        self._clock = clock

    def find(self, key: str) -> Conversation | None:
        """Return a conversation; an expired one is deleted."""
        conversation = self.by_key.get(key)
        if conversation is None or not conversation.is_expired(self._clock()):
            return conversation
        del self.by_key[key]
        return None

    def alive(self) -> Iterator[tuple[str, Conversation]]:
        """Iterate over all conversations that have not expired."""
        now = self._clock()
        return (item for item in self.by_key.items() if not item[1].is_expired(now))

    def append(self, key: str, write: Append) -> list[Existing]:
        """See `Backend.append`."""
        conversation = self.find(key) or Conversation()
        existing = conversation.existing(write.records)
        if not existing:
            conversation.extend(write.records)
            self.save(key, conversation)
        return existing

    def insert(self, key: str, write: Insert) -> list[Existing]:
        """See `Backend.insert`."""
        conversation = self.find(key) or Conversation()
        existing = conversation.existing([write.record])
        if not existing:
            conversation.insert(write.index, write.record)
            self.save(key, conversation)
        return existing

    def replace(self, key: str, write: Replace) -> None:
        """See `Backend.replace`."""
        conversation = Conversation()
        conversation.extend(write.records)
        self.save(key, conversation)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self.by_key.pop(key, None)

    def remove(self, key: str, write: Remove) -> StoredRecord | None:
        """See `Backend.remove`."""
        conversation = self.find(key)
        if conversation is None:
            return None
        count = len(conversation.records)
        if not -count <= write.index < count:
            return None
        record = conversation.records[write.index]
        write.check(record)
        conversation.remove(write.index)
        self.save(key, conversation)
        return record

    def save(self, key: str, conversation: Conversation) -> None:
        """Keep a conversation that was changed; delete it if it is empty."""
        if not conversation.records:
            self.by_key.pop(key, None)
            return
        self.by_key[key] = conversation
        if self._ttl is not None:
            now = self._clock()
            conversation.expires_at = now + self._ttl
            self.by_key.move_to_end(key)
            while next(iter(self.by_key.values())).is_expired(now):
                self.by_key.popitem(last=False)

    def count(self, key: str) -> int:
        """See `Backend.count`."""
        conversation = self.find(key)
        return 0 if conversation is None else len(conversation.records)

    def read_newest(self, key: str, limit: int | None, before: int | None, leading: int) -> Page:
        """See `Backend.read_newest`."""
        conversation = self.find(key)
        if conversation is None:
            return Page(None, [])
        records = conversation.records
        end = len(records) if before is None else bisect_left(records, before, key=_position)
        start = 0 if limit is None else max(0, end - limit)
        return Page(conversation.epoch, records[start:end], records[:leading])

    def read_oldest(self, key: str, limit: int, after: int | None) -> Page:
        """See `Backend.read_oldest`."""
        conversation = self.find(key)
        if conversation is None:
            return Page(None, [])
        records = conversation.records
        start = 0 if after is None else bisect_right(records, after, key=_position)
        return Page(conversation.epoch, records[start : start + limit])

    def list_keys(self, prefix: str, limit: int, after: str | None) -> KeyPage:
        """See `Backend.list_keys`; the cursor is the last key of the page before."""
        keys = sorted(
            key
            for key, _ in self.alive()
            if key.startswith(prefix) and (after is None or key > after)
        )
        page = keys[:limit]
        return KeyPage(page, page[-1] if len(keys) > limit else None)

    def purge_expired(self) -> None:
        """Delete all expired conversations."""
        now = self._clock()
        for key in [key for key, one in self.by_key.items() if one.is_expired(now)]:
            del self.by_key[key]
