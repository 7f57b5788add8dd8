"""A complete backend over the standard library's ``sqlite3``: conversations in a file."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection, Error, connect
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from chatstore.core import ChatStoreError, StoreUnavailableError
from chatstore.core.backend import (
    Append, Existing, ForkLock, Insert, KeyPage, Page, Plan, Record, Remove, Replace, StoredRecord,
    ThreadedBackend, call,
)  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")
TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS heads (
    key TEXT PRIMARY KEY, epoch INTEGER, next_position INTEGER, length INTEGER, expires_at REAL);
CREATE INDEX IF NOT EXISTS expiring ON heads (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS messages (
    key TEXT, position INTEGER, id TEXT, body TEXT, PRIMARY KEY (key, position), UNIQUE (key, id));
PRAGMA user_version = 1;
COMMIT;
"""
READ = "SELECT position, body FROM messages WHERE key = ? AND position"


class Head(NamedTuple):
    epoch: int | None = None  # `None`: the conversation does not exist
    next_position: int = 0
    length: int = 0


def transaction(
    method: Callable[Concatenate[FileBackend, Connection, P], T],
) -> Callable[Concatenate[FileBackend, P], Plan[Connection, T]]:
    """Turn a method that uses a connection into one that returns a plan of one transaction."""

    def plan(self: FileBackend, /, *args: P.args, **kwargs: P.kwargs) -> Plan[Connection, T]:
        def step(db: Connection) -> T:
            with db:  # commits, or rolls back if there is an error
                db.execute("BEGIN IMMEDIATE")
                expired = "SELECT key FROM heads WHERE expires_at <= ?"
                for (key,) in db.execute(expired, (self.clock(),)).fetchall():
                    delete(db, key)
                return method(self, db, *args, **kwargs)

        return call(step)

    return plan


def find(db: Connection, key: str) -> Head:
    query = "SELECT epoch, next_position, length FROM heads WHERE key = ?"
    return Head(*(db.execute(query, (key,)).fetchone() or ()))


def delete(db: Connection, key: str) -> None:
    db.execute("DELETE FROM messages WHERE key = ?", (key,))
    db.execute("DELETE FROM heads WHERE key = ?", (key,))


def read(db: Connection, key: str, end: str, *values: int) -> list[StoredRecord]:
    rows = db.execute(f"{READ} {end}", (key, *values)).fetchall()
    return [StoredRecord(*row) for row in sorted(rows)]


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
            yield db

    @property
    def server(self) -> str:
        return f"SQLite file {self.path}"

    def translate(self, error: Exception) -> ChatStoreError | None:
        if not isinstance(error, Error):
            return None
        name = getattr(error, "sqlite_errorname", type(error).__name__)  # from Python 3.11 on
        return StoreUnavailableError(f"{self.server}: {name}; check the file and its folder")

    def _save(self, db: Connection, key: str, head: Head) -> None:
        expires_at = None if self.ttl is None else self.clock() + self.ttl
        db.execute("REPLACE INTO heads VALUES (?, ?, ?, ?, ?)", (key, *head, expires_at))

    def _add(
        self, db: Connection, key: str, records: Sequence[Record], index: int | None = None
    ) -> list[Existing]:
        query = "SELECT id, body FROM messages WHERE key = ? AND id = ?"
        rows = [db.execute(query, (key, record.id)).fetchone() for record in records]
        if existing := [Existing(*row) for row in rows if row is not None]:
            return existing
        epoch, start, length = find(db, key)
        items = [(record.id, record.body) for record in records]
        if index is not None and (offset := slice(index, None).indices(length)[0]) < length:
            # Positions only grow, so later records get new ones.
            query = (
                "SELECT id, body FROM messages WHERE key = ? ORDER BY position LIMIT -1 OFFSET ?"
            )
            items += (later := db.execute(query, (key, offset)).fetchall())
            query = "DELETE FROM messages WHERE key = ? AND id = ?"
            db.executemany(query, [(key, record_id) for record_id, _ in later])
            epoch = None
        values = [(key, start + number, *item) for number, item in enumerate(items)]
        db.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", values)
        epoch = secrets.randbits(62) if epoch is None else epoch
        self._save(db, key, Head(epoch, start + len(items), length + len(records)))
        return []

    @transaction
    def append(self, db: Connection, key: str, write: Append) -> list[Existing]:
        return self._add(db, key, write.records)

    @transaction
    def insert(self, db: Connection, key: str, write: Insert) -> list[Existing]:
        return self._add(db, key, [write.record], write.index)

    @transaction
    def replace(self, db: Connection, key: str, write: Replace) -> None:
        delete(db, key)
        self._add(db, key, write.records)

    @transaction
    def delete(self, db: Connection, key: str) -> None:
        delete(db, key)

    @transaction
    def remove(self, db: Connection, key: str, write: Remove) -> StoredRecord | None:
        head = find(db, key)
        if not -head.length <= write.index < head.length:
            return None
        offset = write.index % head.length
        [record] = read(db, key, ">= 0 ORDER BY position LIMIT 1 OFFSET ?", offset)
        write.check(record)  # raises if the record must stay
        query = "DELETE FROM messages WHERE key = ? AND position = ?"
        db.execute(query, (key, record.position))
        self._save(db, key, head._replace(length=head.length - 1))
        if head.length == 1:
            delete(db, key)
        return record

    @transaction
    def count(self, db: Connection, key: str) -> int:
        return find(db, key).length

    @transaction
    def read_newest(
        self, db: Connection, key: str, limit: int | None, *, before: int | None = None,
        leading: int = 0,
    ) -> Page:  # fmt: skip
        head = find(db, key)
        end, most = head.next_position if before is None else before, -1 if limit is None else limit
        newest = read(db, key, "< ? ORDER BY position DESC LIMIT ?", end, most)
        return Page(head.epoch, newest, read(db, key, ">= 0 ORDER BY position LIMIT ?", leading))

    @transaction
    def read_oldest(
        self, db: Connection, key: str, limit: int, *, after: int | None = None
    ) -> Page:
        start = -1 if after is None else after
        oldest = read(db, key, "> ? ORDER BY position LIMIT ?", start, limit)
        return Page(find(db, key).epoch, oldest)

    @transaction
    def list_keys(self, db: Connection, prefix: str, limit: int, cursor: Any | None) -> KeyPage:
        query = f"SELECT key FROM heads WHERE key {'>=' if cursor is None else '>'} ? ORDER BY key"
        rows = db.execute(f"{query} LIMIT ?", (cursor or prefix, limit)).fetchall()
        keys = [key for (key,) in rows if key.startswith(prefix)]
        return KeyPage(keys, keys[-1] if len(keys) == limit else None)
