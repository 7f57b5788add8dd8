"""The tables are created and updated once, whatever number of processes needs them first."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import SchemaVersionError, StoreSetupError, open_store
from chatstore.core.testing.messages import contents, message
from chatstore.sqlite import SQLiteChatStore, migrations

PROCESSES = 16
NEXT = ("ALTER TABLE chatstore_conversations ADD COLUMN color TEXT",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


def rows(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(statement).fetchall()


def versions(path: Path) -> list[int]:
    return [row[0] for row in rows(path, "SELECT version FROM chatstore_schema ORDER BY version")]


def columns(path: Path) -> set[str]:
    return {row[1] for row in rows(path, "PRAGMA table_info(chatstore_conversations)")}


def in_processes(script: str, path: Path, count: int = PROCESSES) -> None:
    """Run a script in processes that begin at the same time, and check that none complains."""
    pipe = subprocess.PIPE
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, path, str(number)],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        for number in range(count)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        complaints = [worker.communicate(timeout=60)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert complaints == [""] * count


FIRST_USE = """
import logging
import sys
from chatstore.core import ChatMessage
from chatstore.sqlite import SQLiteChatStore, migrations
logging.disable()  # of slow calls
{prepare}
print("ready", flush=True)
sys.stdin.readline()
with SQLiteChatStore(sys.argv[1]) as store:
    store.add_message("k", ChatMessage(role="user", content=sys.argv[2]))
"""


def test_many_processes_create_the_tables_at_once(path: Path) -> None:
    in_processes(FIRST_USE.format(prepare=""), path)
    with SQLiteChatStore(path) as store:
        numbers = sorted(int(content) for content in contents(store.get_messages("k")))
    assert numbers == list(range(PROCESSES))
    assert versions(path) == [1]


def test_many_processes_update_the_tables_at_once(path: Path) -> None:
    SQLiteChatStore(path).setup()
    in_processes(FIRST_USE.format(prepare=f"migrations.MIGRATIONS += ({NEXT!r},)"), path)
    assert versions(path) == [1, 2]
    assert "color" in columns(path)
    assert rows(path, "SELECT length FROM chatstore_conversations") == [(PROCESSES,)]


def test_an_earlier_version_is_updated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SQLiteChatStore(path) as store:
        store.add_message("k", message("x"))
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, NEXT))
    with (
        SQLiteChatStore(path, create=False) as store,
        pytest.raises(StoreSetupError, match=r"version 1 .* setup\(\)"),
    ):
        store.count_messages("k")
    with SQLiteChatStore(path) as store:
        assert contents(store.get_messages("k")) == ["x"]
    assert versions(path) == [1, 2]
    assert "color" in columns(path)


@pytest.mark.parametrize("broken", [("NONSENSE",), (*NEXT, "INSERT INTO nowhere VALUES (1)")])
def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, broken: Sequence[str]
) -> None:
    SQLiteChatStore(path).setup()
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(sqlite3.OperationalError):
            migrations.migrate(db, str(path))
        assert not db.in_transaction
    assert versions(path) == [1]
    assert "color" not in columns(path)


@pytest.mark.parametrize("create", [True, False])
def test_a_later_version_is_refused(path: Path, create: bool) -> None:
    with SQLiteChatStore(path) as store:
        store.add_message("k", message("x"))
    rows(path, "UPDATE chatstore_schema SET version = 2")
    with SQLiteChatStore(path, create=create) as store:
        for call in (lambda: store.get_messages("k"), store.setup):
            with pytest.raises(SchemaVersionError, match=r"version 2, .* knows 1: upgrade"):
                call()


def test_a_missing_file_is_not_created(path: Path) -> None:
    with SQLiteChatStore(path, create=False) as store:
        with pytest.raises(StoreSetupError, match=r"does not exist .*setup\(\)"):
            store.count_messages("k")
        assert not path.exists()
        store.setup()
        store.add_message("k", message("x"))
        assert store.count_messages("k") == 1


def test_missing_tables_are_not_created(path: Path) -> None:
    rows(path, "CREATE TABLE mine (text TEXT)")
    before = path.read_bytes()
    with SQLiteChatStore(path, create=False) as store:
        with pytest.raises(StoreSetupError, match=r"are missing .*setup\(\)"):
            store.add_message("k", message("x"))
        assert path.read_bytes() == before
        asyncio.run(store.async_setup())
        store.add_message("k", message("x"))
    with SQLiteChatStore(path, create=False) as store:
        assert contents(store.get_messages("k")) == ["x"]


def test_setup_can_be_repeated(path: Path) -> None:
    with SQLiteChatStore(path) as store:
        store.setup()
        store.add_message("k", message("x"))
        store.setup()
        assert contents(store.get_messages("k")) == ["x"]
    assert versions(path) == [1]


def test_options_by_keyword_override_the_url(path: Path) -> None:
    url = f"sqlite:///{path}?create=false"
    with open_store(url) as store, pytest.raises(StoreSetupError):
        store.get_keys()
    with open_store(url, create=True) as store:
        assert store.get_keys() == []
