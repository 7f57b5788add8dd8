"""The database in memory: conversations by key. Nothing here waits or knows about plans."""

from __future__ import annotations

import itertools
import secrets
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatstore.core.backend.conversations import (
    ConversationRecord,
    OwnedPage,
    StoredConversation,
    check_revision,
)
from chatstore.core.backend.reads import Newest, Oldest
from chatstore.core.backend.records import Existing, KeyPage, Page, Record, StoredRecord
from chatstore.core.backend.writes import (
    Append,
    Create,
    Delete,
    Insert,
    Put,
    Remove,
    Replace,
    Truncate,
    Update,
)

_NO_RECORD = ConversationRecord()
_epochs = itertools.count()


def _position(record: StoredRecord) -> int:
    return record.position


@dataclass
class Conversation:
    """Records in the order of their positions, and what finds them by id.

    Attributes:
        record: What callers stored about the conversation.
        created_at: Seconds since 1970.
        updated_at: Seconds since 1970.
        expires_at: Seconds since 1970; ``None``: never.
        revision: Changes with every write.

    """

    epoch: int = field(default_factory=lambda: next(_epochs))
    next_position: int = 0
    records: list[StoredRecord] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    record: ConversationRecord = _NO_RECORD
    created_at: float = 0.0
    updated_at: float = 0.0
    expires_at: float | None = None
    revision: str = field(default_factory=lambda: secrets.token_hex(8))

    def stored(self) -> StoredConversation:
        """Return the conversation without its messages."""
        return StoredConversation(
            self.record,
            self.created_at,
            self.updated_at,
            self.expires_at,
            len(self.records),
            self.revision,
        )

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

    def index_of(self, target: int | str) -> int | None:
        """Return the index of the record at an index or with an id; ``None``: there is none."""
        if isinstance(target, int):
            return target if -len(self.records) <= target < len(self.records) else None
        position = self.positions.get(target)
        return None if position is None else bisect_left(self.records, position, key=_position)

    def put(self, record: Record, *, moves_to_end: bool) -> None:
        """Replace the record with the same id, or append the new one."""
        index = self.index_of(record.id)
        if index is None or moves_to_end:
            if index is not None:
                self.remove(index)
            self.extend([record])
        else:
            self.records[index] = self.records[index]._replace(body=record.body)
            self.bodies[record.id] = record.body

    def remove(self, index: int) -> None:
        """Remove a record and its id."""
        record = self.records.pop(index)
        record_id = self.ids.pop(record.position, "")
        self.bodies.pop(record_id, None)
        self.positions.pop(record_id, None)

    def _append(self, record_id: str, body: str) -> None:
        self.records.append(StoredRecord(self.next_position, body))
        self.ids[self.next_position] = record_id
        self.positions[record_id] = self.next_position
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
        conversation = self.find(key)
        existing = [] if conversation is None else conversation.existing(write.records)
        if not existing:
            conversation = self._changeable(key, write.expected_revision)
            conversation.extend(write.records)
            self.save(key, conversation)
        return existing

    def insert(self, key: str, write: Insert) -> list[Existing]:
        """See `Backend.insert`."""
        conversation = self.find(key)
        existing = [] if conversation is None else conversation.existing([write.record])
        if not existing:
            conversation = self._changeable(key, write.expected_revision)
            conversation.insert(write.index, write.record)
            self.save(key, conversation)
        return existing

    def put(self, key: str, write: Put) -> None:
        """See `Backend.put`."""
        conversation = self._changeable(key, write.expected_revision)
        conversation.put(write.record, moves_to_end=write.moves_to_end)
        self.save(key, conversation)

    def replace(self, key: str, write: Replace) -> None:
        """See `Backend.replace`."""
        before = self._changeable(key, write.expected_revision)
        conversation = Conversation(record=before.record, created_at=before.created_at)
        conversation.extend(write.records)
        self.save(key, conversation)

    def remove(self, key: str, write: Remove) -> StoredRecord | None:
        """See `Backend.remove`."""
        conversation = self._changeable(key, write.expected_revision)
        index = conversation.index_of(write.target)
        if index is None:
            return None
        record = conversation.records[index]
        write.check(record)
        conversation.remove(index)
        self.save(key, conversation)
        return record

    def truncate(self, key: str, write: Truncate) -> int:
        """See `Backend.truncate`."""
        conversation = self._changeable(key, write.expected_revision)
        index = conversation.index_of(write.from_id)
        if index is None:
            return 0
        count = len(conversation.records) - index
        for _ in range(count):
            conversation.remove(-1)
        self.save(key, conversation)
        return count

    def create(self, key: str, write: Create) -> StoredConversation | None:
        """See `Backend.create`."""
        if self.find(key) is not None:
            return None
        conversation = Conversation(record=write.record)
        conversation.extend(write.records)
        self.save(key, conversation)
        return conversation.stored()

    def update(self, key: str, write: Update) -> StoredConversation | None:
        """See `Backend.update`."""
        conversation = self.find(key)
        if conversation is None or conversation.record != write.before:
            return None
        check_revision(write.expected_revision, conversation.revision)
        conversation.record = write.after
        self.save(key, conversation)
        return conversation.stored()

    def delete(self, key: str, write: Delete) -> None:
        """See `Backend.delete`."""
        self._changeable(key, write.expected_revision)
        self.by_key.pop(key, None)

    def _changeable(self, key: str, expected_revision: str | None) -> Conversation:
        """Return a conversation for a write, or a new one."""
        conversation = self.find(key)
        check_revision(expected_revision, None if conversation is None else conversation.revision)
        return conversation or Conversation()

    def save(self, key: str, conversation: Conversation) -> None:
        """Keep a conversation that was changed, unless it has neither records nor a record."""
        if not conversation.records and not conversation.record.outlasts_messages:
            self.by_key.pop(key, None)
            return
        now = self._clock()
        conversation.revision = secrets.token_hex(8)
        conversation.created_at = conversation.created_at or now
        conversation.updated_at = max(now, conversation.updated_at)
        self.by_key[key] = conversation
        if self._ttl is not None:
            conversation.expires_at = now + self._ttl
            self.by_key.move_to_end(key)
            while next(iter(self.by_key.values())).is_expired(now):
                self.by_key.popitem(last=False)

    def count(self, key: str) -> int:
        """See `Backend.count`."""
        conversation = self.find(key)
        return 0 if conversation is None else len(conversation.records)

    def read_newest(self, key: str, read: Newest) -> Page:
        """See `Backend.read_newest`."""
        conversation = self.find(key)
        if conversation is None:
            return Page(None, [])
        records = conversation.records
        end = len(records)
        if read.before is not None:
            end = bisect_left(records, read.before, key=_position)
        start = 0 if read.limit is None else max(0, end - read.limit)
        stored = conversation.stored() if read.with_conversation else None
        return Page(conversation.epoch, records[start:end], records[: read.leading], stored)

    def read_oldest(self, key: str, read: Oldest) -> Page:
        """See `Backend.read_oldest`."""
        conversation = self.find(key)
        if conversation is None:
            return Page(None, [])
        records = conversation.records
        start = 0 if read.after is None else bisect_right(records, read.after, key=_position)
        return Page(conversation.epoch, records[start : start + read.limit])

    def find_record(self, key: str, message_id: str) -> Page:
        """See `Backend.find`."""
        conversation = self.find(key)
        if conversation is None:
            return Page(None, [])
        index = conversation.index_of(message_id)
        records = [] if index is None else [conversation.records[index]]
        return Page(conversation.epoch, records)

    def read_conversations(self, keys: Sequence[str]) -> list[StoredConversation | None]:
        """See `Backend.read_conversations`."""
        conversations = [self.find(key) for key in keys]
        return [None if one is None else one.stored() for one in conversations]

    def list_owned(self, owner: str, limit: int, before: Sequence[Any] | None) -> OwnedPage:
        """See `Backend.list_owned`; the cursor is the last time and key of the page before."""
        owned = sorted(
            ((one.updated_at, key) for key, one in self.alive() if one.record.owner == owner),
            reverse=True,
        )
        if before is not None:
            owned = [item for item in owned if item < tuple(before)]
        page = [(key, self.by_key[key].stored()) for _, key in owned[:limit]]
        return OwnedPage(page, owned[limit - 1] if len(owned) > limit else None)

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
