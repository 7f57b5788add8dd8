"""SQLite keeps every promise of the contract."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from chatstore.core.testing import Backend, ChatStoreContract, ProcessContract
from chatstore.sqlite import SQLiteChatStore


class SQLiteBackend(Backend):
    own_clock = True

    def __init__(self, path: str) -> None:
        self.path = path

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> SQLiteChatStore:
        return SQLiteChatStore(self.path, ttl=ttl, clock=clock or time.time)

    def opener(self) -> Callable[[], SQLiteChatStore]:
        return partial(SQLiteChatStore, self.path)

    def corrupt(self, key: str, index: int) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            changed = db.execute(
                "UPDATE chatstore_messages SET body = '{' WHERE rowid = (SELECT m.rowid "
                "FROM chatstore_messages m JOIN chatstore_conversations c ON c.id = m.conversation "
                "WHERE c.key = ? ORDER BY m.position LIMIT 1 OFFSET ?)",
                (key, index),
            ).rowcount
            assert changed == 1


class TestSQLiteContract(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> SQLiteBackend:
        return SQLiteBackend(str(tmp_path / "chat.db"))
