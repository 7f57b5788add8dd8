"""``FileBackend`` keeps the contract."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlite3_backend import FileBackend

from chatstore.core import ChatStore
from chatstore.core.testing import ChatStoreContract, ContractHarness, ProcessContract


def open_store(
    path: str, ttl: float | None = None, clock: Callable[[], float] = time.time
) -> ChatStore:
    return ChatStore(FileBackend(path, ttl=ttl, clock=clock))


class FileHarness(ContractHarness):
    own_clock = True

    def __init__(self, path: str) -> None:
        self.path = path

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        return open_store(self.path, ttl, clock or time.time)

    def opener(self) -> Callable[[], ChatStore]:
        return partial(open_store, self.path)

    def execute(self, statement: str, *values: object) -> list[tuple[int]]:
        with closing(sqlite3.connect(self.path)) as db, db:
            return db.execute(statement, values).fetchall()

    def corrupt(self, key: str, index: int) -> None:
        query = "SELECT position FROM messages WHERE key = ? ORDER BY position LIMIT 1 OFFSET ?"
        [(position,)] = self.execute(query, key, index)
        where = "key = ? AND position = ?"
        self.execute(f"UPDATE messages SET body = '{{' WHERE {where}", key, position)

    def stored(self) -> int:
        counts = "(SELECT count(*) FROM heads) + (SELECT count(*) FROM messages)"
        [(count,)] = self.execute(f"SELECT {counts}")
        return count

    def unreachable(self) -> ChatStore:
        return open_store(f"{self.path}.missing/chat.db")


class TestFileBackend(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> FileHarness:
        return FileHarness(str(tmp_path / "chat.db"))
