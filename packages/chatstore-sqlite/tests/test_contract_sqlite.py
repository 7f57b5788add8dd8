"""``SQLiteChatStore`` keeps the contract."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlite_work import Work

from chatstore.core.testing import ChatStoreContract, ContractHarness, ProcessContract
from chatstore.core.testing.harness import Counts
from chatstore.sqlite import SQLiteChatStore


class SQLiteHarness(ContractHarness):
    own_clock = True

    def __init__(self, path: str, work: Work) -> None:
        self.path = path
        self.work = work

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

    def counts(self) -> Counts:
        """Count statements and the instructions that they execute."""
        return Counts(len(self.work.statements), self.work.steps)

    def stored(self) -> int:
        """Count the rows of conversations and messages."""
        with closing(sqlite3.connect(self.path)) as db:
            tables = ("chatstore_conversations", "chatstore_messages")
            return sum(db.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in tables)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Put a folder where the file was, which cannot be opened as one."""
        path, aside = Path(self.path), Path(f"{self.path}.aside")
        path.rename(aside)
        path.mkdir()
        yield
        path.rmdir()
        aside.rename(path)

    def unreachable(self) -> SQLiteChatStore:
        return SQLiteChatStore(f"{self.path}.missing/chat.db")

    @contextmanager
    def slow(self) -> Iterator[float]:
        """Hold the lock that writers need."""
        seconds = 0.5
        with closing(sqlite3.connect(self.path, check_same_thread=False)) as db:
            db.execute("BEGIN IMMEDIATE")
            timer = threading.Timer(seconds, db.rollback)
            timer.start()
            yield seconds
            timer.join()


class TestSQLiteContract(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def harness(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SQLiteHarness:
        return SQLiteHarness(str(tmp_path / "chat.db"), Work(monkeypatch))
