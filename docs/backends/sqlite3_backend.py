"""A complete backend over the standard library's ``sqlite3``: conversations in a file."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection, Error, connect
from typing import Any

from chatstore.core import ChatStoreError, StoreUnavailableError
from chatstore.core.backend import (
    Append, Existing, ForkLock, Insert, KeyPage, Page, Plan, Record, Remove, Replace, StoredRecord,
    ThreadedBackend, call,
)  # fmt: skip

TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS heads (
    key TEXT PRIMARY KEY, epoch INTEGER, length INTEGER, expires_at REAL);
CREATE INDEX IF NOT EXISTS expiring ON heads (expires_at) WHERE expires_at IS NOT NULL;
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


def execute(query: str, *values: Any) -> Plan[Connection, list[Any]]:
    return call(lambda db: db.execute(query, values).fetchall())


def read(key: str, end: str, *values: int) -> Plan[Connection, list[StoredRecord]]:
    query = f"SELECT position, body FROM messages WHERE key = ? {end}"
    rows = yield from execute(query, key, *values)
    return [StoredRecord(*row) for row in sorted(rows)]


def find(key: str) -> Plan[Connection, tuple[int | None, int]]:
    """Return a conversation's epoch and length; the epoch is `None` if it does not exist."""
    rows = yield from execute("SELECT epoch, length FROM heads WHERE key = ?", key)
    return rows[0] if rows else (None, 0)


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

    def _save(self, key: str, epoch: int | None, length: int) -> Plan[Connection, None]:
        expires_at = None if self.ttl is None else self.clock() + self.ttl
        yield from execute("REPLACE INTO heads VALUES (?, ?, ?, ?)", key, epoch, length, expires_at)
        if not length:
            yield from self.delete(key)

    def _add(
        self, key: str, records: Sequence[Record], index: int | None = None
    ) -> Plan[Connection, list[Existing]]:
        rows: list[Any] = []
        for record in records:
            query = "SELECT id, body FROM messages WHERE key = ? AND id = ?"
            rows += yield from execute(query, key, record.id)
        if rows:
            return [Existing(*row) for row in rows]
        epoch, length = yield from find(key)
        for record in records:
            insert = "INSERT INTO messages (key, id, body) VALUES (?, ?, ?)"
            yield from execute(insert, key, record.id, record.body)
        offset = length if index is None else slice(index, None).indices(length)[0]
        if offset < length:  # positions only grow, so the later records get new ones
            yield from execute(MOVE_TO_END, key, records[0].id, offset)
        if epoch is None or offset < length:
            epoch = secrets.randbits(62)
        yield from self._save(key, epoch, length + len(records))
        return []

    def append(self, key: str, write: Append) -> Plan[Connection, list[Existing]]:
        return self._add(key, write.records)

    def insert(self, key: str, write: Insert) -> Plan[Connection, list[Existing]]:
        return self._add(key, [write.record], write.index)

    def replace(self, key: str, write: Replace) -> Plan[Connection, None]:
        yield from self.delete(key)
        yield from self._add(key, write.records)

    def delete(self, key: str) -> Plan[Connection, None]:
        yield from execute("DELETE FROM heads WHERE key = ?", key)

    def remove(self, key: str, write: Remove) -> Plan[Connection, StoredRecord | None]:
        epoch, length = yield from find(key)
        if not -length <= write.index < length:
            return None
        offset = write.index % length
        [record] = yield from read(key, "ORDER BY position LIMIT 1 OFFSET ?", offset)
        write.check(record)  # raises if the record must stay
        yield from execute("DELETE FROM messages WHERE position = ?", record.position)
        yield from self._save(key, epoch, length - 1)
        return record

    def count(self, key: str) -> Plan[Connection, int]:
        _, length = yield from find(key)
        return length

    def read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Connection, Page]:
        epoch, _ = yield from find(key)
        end, most = sys.maxsize if before is None else before, -1 if limit is None else limit
        query = "AND position < ? ORDER BY position DESC LIMIT ?"
        newest = yield from read(key, query, end, most)
        first = yield from read(key, "ORDER BY position LIMIT ?", leading)
        return Page(epoch, newest, first)

    def read_oldest(
        self, key: str, limit: int, *, after: int | None = None
    ) -> Plan[Connection, Page]:
        epoch, _ = yield from find(key)
        start, query = after or 0, "AND position > ? ORDER BY position LIMIT ?"
        return Page(epoch, (yield from read(key, query, start, limit)))

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Connection, KeyPage]:
        query = "SELECT key FROM heads WHERE key >= ? AND key > ? ORDER BY key LIMIT ?"
        rows = yield from execute(query, prefix, cursor or "", limit)
        keys = [key for (key,) in rows if key.startswith(prefix)]
        return KeyPage(keys, keys[-1] if len(keys) == limit else None)
