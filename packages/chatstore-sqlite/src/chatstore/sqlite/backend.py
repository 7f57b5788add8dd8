"""``SQLiteBackend``: a backend over the standard library's ``sqlite3``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from chatstore.core import ChatStoreError
from chatstore.core.backend import (
    Append,
    Create,
    Delete,
    Existing,
    Insert,
    KeyPage,
    Newest,
    Oldest,
    OwnedPage,
    Page,
    Plan,
    Put,
    Remove,
    Replace,
    StoredConversation,
    StoredRecord,
    ThreadedBackend,
    Truncate,
    Update,
    call,
)
from chatstore.sqlite import conversations, reading, writing
from chatstore.sqlite.database import Database
from chatstore.sqlite.errors import translate
from chatstore.sqlite.heads import Moment
from chatstore.sqlite.settings import SQLiteSettings

T = TypeVar("T")


class SQLiteBackend(ThreadedBackend[Database]):
    """Keeps conversations in an SQLite file; every step of a plan is one transaction."""

    system = "sqlite"
    max_combined_records = 100
    max_message_bytes = 256 * 1024 * 1024
    """SQLite accepts at most 10⁹ bytes: https://sqlite.org/limits.html, section 1."""

    def __init__(self, settings: SQLiteSettings) -> None:
        """Name the file; nothing is opened before the first call."""
        super().__init__(settings.max_connections)
        self.database = Database(settings)
        self._settings = settings

    @property
    def server(self) -> str:
        """The file's path."""
        return f"SQLite file {self._settings.path}"

    def borrow(self) -> AbstractContextManager[Database]:
        """Provide the database, which acquires a connection for each step."""
        return nullcontext(self.database)

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return translate(error, self._settings.path)

    def close(self) -> None:
        """Wait for running calls, then close all connections."""
        super().close()
        self.database.connections.close()

    # ------------------------------------------------------------------ writing

    def append(self, key: str, write: Append) -> Plan[Database, list[Existing]]:
        """See `Backend.append`."""
        return self._change(lambda db, moment: writing.append(db, key, write, moment))

    def insert(self, key: str, write: Insert) -> Plan[Database, list[Existing]]:
        """See `Backend.insert`."""
        return self._change(lambda db, moment: writing.insert(db, key, write, moment))

    def put(self, key: str, write: Put) -> Plan[Database, None]:
        """See `Backend.put`."""
        return self._change(lambda db, moment: writing.put(db, key, write, moment))

    def replace(self, key: str, write: Replace) -> Plan[Database, None]:
        """See `Backend.replace`."""
        return self._change(lambda db, moment: writing.replace(db, key, write, moment))

    def remove(self, key: str, write: Remove) -> Plan[Database, StoredRecord | None]:
        """See `Backend.remove`."""
        return self._change(lambda db, moment: writing.remove(db, key, write, moment))

    def truncate(self, key: str, write: Truncate) -> Plan[Database, int]:
        """See `Backend.truncate`."""
        return self._change(lambda db, moment: writing.truncate(db, key, write, moment))

    def create(self, key: str, write: Create) -> Plan[Database, StoredConversation | None]:
        """See `Backend.create`."""
        return self._change(lambda db, moment: conversations.create(db, key, write, moment))

    def update(self, key: str, write: Update) -> Plan[Database, StoredConversation | None]:
        """See `Backend.update`."""
        return self._change(lambda db, moment: conversations.update(db, key, write, moment))

    def delete(self, key: str, write: Delete) -> Plan[Database, None]:
        """See `Backend.delete`."""
        clock = self._settings.clock
        return call(
            lambda database: database.write(
                lambda db: conversations.delete(db, key, write, clock())
            )
        )

    def check(self, key: str) -> Plan[Database, None]:
        """See `Backend.check`; SQLite allows a transaction that deletes nothing on any file."""
        yield from self.read_conversations([key])
        write: Plan[Database, None] = call(
            lambda database: database.write(conversations.check_right_to_write)
        )
        yield from write

    def _change(self, change: Callable[[sqlite3.Connection, Moment], T]) -> Plan[Database, T]:
        """Change a conversation, and delete some messages of an expired one."""

        def transaction(db: sqlite3.Connection) -> T:
            now = self._settings.clock()
            ttl = self._settings.ttl
            result = change(db, Moment(now, None if ttl is None else now + ttl))
            conversations.purge(db, now, conversations.PURGE_BATCH)
            return result

        return call(lambda database: database.write(transaction))

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[Database, int]:
        """See `Backend.count`."""
        return self._read(lambda db, now: reading.count(db, key, now))

    def read_newest(self, key: str, read: Newest) -> Plan[Database, Page]:
        """See `Backend.read_newest`."""
        return self._read(lambda db, now: reading.read_newest(db, key, read, now))

    def read_oldest(self, key: str, read: Oldest) -> Plan[Database, Page]:
        """See `Backend.read_oldest`."""
        return self._read(lambda db, now: reading.read_oldest(db, key, read, now))

    def find(self, key: str, message_id: str) -> Plan[Database, Page]:
        """See `Backend.find`."""
        return self._read(lambda db, now: reading.find_by_id(db, key, message_id, now))

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Database, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`; they are read at one moment."""
        return self._read(lambda db, now: conversations.read(db, keys, now))

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[Database, OwnedPage]:
        """See `Backend.list_owned`; the cursor is the last time and key of the previous page."""
        return self._read(lambda db, now: conversations.list_owned(db, owner, limit, cursor, now))

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Database, KeyPage]:
        """See `Backend.list_keys`; the cursor is the last key of the previous page."""
        return self._read(lambda db, now: conversations.list_keys(db, prefix, limit, cursor, now))

    def _read(self, read: Callable[[sqlite3.Connection, float], T]) -> Plan[Database, T]:
        clock = self._settings.clock
        return call(lambda database: database.read(lambda db: read(db, clock())))

    # ------------------------------------------------------------------ maintenance

    def setup(self) -> Plan[Database, None]:
        """Create the file and its tables, or update tables of an earlier version."""
        return call(lambda database: database.setup())

    def purge_expired(self) -> Plan[Database, bool]:
        """See `Backend.purge_expired`."""
        clock = self._settings.clock
        return call(
            lambda database: database.write(
                lambda db: conversations.purge(db, clock(), 10 * conversations.PURGE_BATCH)
            )
        )
