"""A complete backend over the standard library's ``sqlite3``: conversations in a file."""

from __future__ import annotations

import math
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection, Error, connect
from typing import Any, NamedTuple

from chatstore.core import ChatStoreError, StoreUnavailableError
from chatstore.core.backend import (
    Append, ConversationRecord, Create, Delete, Existing, ForkLock, Insert, KeyPage, Newest, Oldest,
    OwnedPage, Page, Plan, Put, Record, Remove, Replace, StoredConversation, StoredRecord,
    ThreadedBackend, Truncate, Update, call, check_revision,
)  # fmt: skip

TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS heads (
    key TEXT PRIMARY KEY, epoch INTEGER, length INTEGER, revision TEXT,
    created_at REAL, updated_at REAL, expires_at REAL,
    owner TEXT, title TEXT, metadata TEXT, is_created INTEGER);
CREATE INDEX IF NOT EXISTS expiring ON heads (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS owned ON heads (owner, updated_at, key) WHERE owner IS NOT NULL;
CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, id TEXT, body TEXT, UNIQUE (key, id));
CREATE INDEX IF NOT EXISTS conversations ON messages (key, position);
CREATE TRIGGER IF NOT EXISTS head_deleted AFTER DELETE ON heads
    BEGIN DELETE FROM messages WHERE key = old.key; END;
PRAGMA user_version = 1;
COMMIT;
"""
MOVE_TO_END = """
REPLACE INTO messages (key, id, body) SELECT key, id, body FROM messages
WHERE key = ? AND id != ? ORDER BY position LIMIT -1 OFFSET ?
"""
OWNED = """
SELECT * FROM heads WHERE owner = ? AND (updated_at, key) < (?, ?)
ORDER BY updated_at DESC, key DESC LIMIT ?
"""


class Head(NamedTuple):
    """A row of the table ``heads``."""

    key: str
    epoch: int
    length: int = 0
    revision: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    expires_at: float | None = None
    owner: str | None = None
    title: str | None = None
    metadata: str | None = None
    is_created: int = False

    def with_record(self, record: ConversationRecord) -> Head:
        return Head(*self[:7], record.owner, record.title, record.metadata, record.is_created)

    def stored(self) -> StoredConversation:
        record = ConversationRecord(self.owner, self.title, self.metadata, bool(self.is_created))
        return StoredConversation(record, *self[4:7], self.length, self.revision)


def execute(query: str, *values: Any) -> Plan[Connection, list[Any]]:
    return call(lambda db: db.execute(query, values).fetchall())


def messages(key: str, end: str, *values: Any) -> Plan[Connection, list[StoredRecord]]:
    query = f"SELECT position, body FROM messages WHERE key = ? {end}"
    rows = yield from execute(query, key, *values)
    return [StoredRecord(*row) for row in sorted(rows)]


def add(key: str, records: Sequence[Record]) -> Plan[Connection, None]:
    for record in records:  # each gets the next position
        query = "REPLACE INTO messages (key, id, body) VALUES (?, ?, ?)"
        yield from execute(query, key, record.id, record.body)


def find_head(key: str) -> Plan[Connection, Head | None]:
    rows = yield from execute("SELECT * FROM heads WHERE key = ?", key)
    return Head(*rows[0]) if rows else None


def page(key: str, end: str, *values: Any) -> Plan[Connection, Page]:
    head = yield from find_head(key)
    return Page(head.epoch, (yield from messages(key, end, *values))) if head else Page(None, [])


def begin(key: str, expected_revision: str | None) -> Plan[Connection, Head]:
    """Return the head of a conversation for a write, or a new one."""
    head = yield from find_head(key)
    check_revision(expected_revision, None if head is None else head.revision)
    return head or Head(key, secrets.randbits(62))


class FileBackend(ThreadedBackend[Connection]):
    def __init__(
        self, path: str, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self.path, self.ttl, self.clock = Path(path).absolute(), ttl, clock
        self._lock = ForkLock()  # no connection may be open when the process forks

    @contextmanager
    def borrow(self) -> Iterator[Connection]:
        with self._lock, closing(connect(self.path, timeout=30, isolation_level=None)) as db:
            if db.execute("PRAGMA user_version").fetchone() == (0,):
                db.executescript(TABLES)
            with db:  # commits, or rolls back if there is an error
                db.execute("BEGIN IMMEDIATE")
                db.execute("DELETE FROM heads WHERE expires_at <= ?", (self.clock(),))
                yield db

    @property
    def server(self) -> str:
        return f"SQLite file {self.path}"

    def translate(self, error: Exception) -> ChatStoreError | None:
        if not isinstance(error, Error):
            return None
        name = getattr(error, "sqlite_errorname", type(error).__name__)  # from Python 3.11 on
        return StoreUnavailableError(f"{self.server}: {name}; check the file and its folder")

    def _save(self, head: Head) -> Plan[Connection, StoredConversation]:
        now = self.clock()
        head = head._replace(
            revision=secrets.token_hex(8),
            created_at=head.created_at or now,
            updated_at=now,
            expires_at=None if self.ttl is None else now + self.ttl,
        )
        yield from execute(f"REPLACE INTO heads VALUES (?{', ?' * (len(head) - 1)})", *head)
        stored = head.stored()
        if not head.length and not stored.record.outlasts_messages:
            yield from self.delete(head.key, Delete())
        return stored

    # ------------------------------------------------------------------ writing messages

    def append(self, key: str, write: Append) -> Plan[Connection, list[Existing]]:
        return self._add(key, write.records, None, write.expected_revision)

    def insert(self, key: str, write: Insert) -> Plan[Connection, list[Existing]]:
        return self._add(key, [write.record], write.index, write.expected_revision)

    def _add(
        self, key: str, records: Sequence[Record], index: int | None, expected: str | None
    ) -> Plan[Connection, list[Existing]]:
        rows: list[Any] = []
        for record in records:
            query = "SELECT id, body FROM messages WHERE key = ? AND id = ?"
            rows += yield from execute(query, key, record.id)
        if rows:
            return [Existing(*row) for row in rows]  # whatever the revision is
        head = yield from begin(key, expected)
        yield from add(key, records)
        offset = head.length if index is None else slice(index, None).indices(head.length)[0]
        if offset < head.length:  # positions only grow, so the later records get new ones
            yield from execute(MOVE_TO_END, key, records[0].id, offset)
            head = head._replace(epoch=secrets.randbits(62))
        yield from self._save(head._replace(length=head.length + len(records)))
        return []

    def put(self, key: str, write: Put) -> Plan[Connection, None]:
        head = yield from begin(key, write.expected_revision)
        old = yield from messages(key, "AND id = ?", write.record.id)
        if old and not write.moves_to_end:
            query = "UPDATE messages SET body = ? WHERE position = ?"
            yield from execute(query, write.record.body, old[0].position)
        else:
            yield from add(key, [write.record])
        yield from self._save(head._replace(length=head.length + 1 - len(old)))

    def replace(self, key: str, write: Replace) -> Plan[Connection, None]:
        head = yield from begin(key, write.expected_revision)
        yield from execute("DELETE FROM messages WHERE key = ?", key)
        yield from add(key, write.records)
        yield from self._save(head._replace(epoch=secrets.randbits(62), length=len(write.records)))

    def remove(self, key: str, write: Remove) -> Plan[Connection, StoredRecord | None]:
        head = yield from begin(key, write.expected_revision)
        end, value = "AND id = ?", write.target
        if isinstance(value, int):
            if not -head.length <= value < head.length:
                return None
            end, value = "ORDER BY position LIMIT 1 OFFSET ?", value % head.length
        records = yield from messages(key, end, value)
        if not records:
            return None
        write.check(records[0])  # raises if the record must stay
        yield from execute("DELETE FROM messages WHERE position = ?", records[0].position)
        yield from self._save(head._replace(length=head.length - 1))
        return records[0]

    def truncate(self, key: str, write: Truncate) -> Plan[Connection, int]:
        head = yield from begin(key, write.expected_revision)
        first = yield from messages(key, "AND id = ?", write.from_id)
        if not first:
            return 0
        start = first[0].position
        later = yield from messages(key, "AND position >= ?", start)
        yield from execute("DELETE FROM messages WHERE key = ? AND position >= ?", key, start)
        yield from self._save(head._replace(length=head.length - len(later)))
        return len(later)

    # ------------------------------------------------------------------ writing conversations

    def create(self, key: str, write: Create) -> Plan[Connection, StoredConversation | None]:
        if (yield from find_head(key)):
            return None
        head = Head(key, secrets.randbits(62), len(write.records)).with_record(write.record)
        yield from add(key, write.records)
        return (yield from self._save(head))

    def update(self, key: str, write: Update) -> Plan[Connection, StoredConversation | None]:
        head = yield from find_head(key)
        if head is None or head.stored().record != write.before:
            return None
        check_revision(write.expected_revision, head.revision)
        return (yield from self._save(head.with_record(write.after)))

    def delete(self, key: str, write: Delete) -> Plan[Connection, None]:
        yield from begin(key, write.expected_revision)
        yield from execute("DELETE FROM heads WHERE key = ?", key)

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[Connection, int]:
        head = yield from find_head(key)
        return head.length if head else 0

    def read_newest(self, key: str, read: Newest) -> Plan[Connection, Page]:
        head = yield from find_head(key)
        if head is None:
            return Page(None, [])
        end = sys.maxsize if read.before is None else read.before
        query = "AND position < ? ORDER BY position DESC LIMIT ?"
        newest = yield from messages(key, query, end, -1 if read.limit is None else read.limit)
        first = yield from messages(key, "ORDER BY position LIMIT ?", read.leading)
        return Page(head.epoch, newest, first, head.stored() if read.with_conversation else None)

    def read_oldest(self, key: str, read: Oldest) -> Plan[Connection, Page]:
        query = "AND position > ? ORDER BY position LIMIT ?"
        return page(key, query, read.after or 0, read.limit)

    def find(self, key: str, message_id: str) -> Plan[Connection, Page]:
        return page(key, "AND id = ?", message_id)

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Connection, list[StoredConversation | None]]:
        conversations: list[StoredConversation | None] = []
        for key in keys:
            head = yield from find_head(key)
            conversations.append(head.stored() if head else None)
        return conversations

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[Connection, OwnedPage]:
        rows = yield from execute(OWNED, owner, *(cursor or (math.inf, "")), limit)
        heads = [Head(*row) for row in rows]
        after = [heads[-1].updated_at, heads[-1].key] if len(heads) == limit else None
        return OwnedPage([(head.key, head.stored()) for head in heads], after)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Connection, KeyPage]:
        query = "SELECT key FROM heads WHERE key >= ? AND key > ? ORDER BY key LIMIT ?"
        rows = yield from execute(query, prefix, cursor or "", limit)
        keys = [key for (key,) in rows if key.startswith(prefix)]
        return KeyPage(keys, keys[-1] if len(keys) == limit else None)
