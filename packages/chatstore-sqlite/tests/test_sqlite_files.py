"""What can be wrong with a file, and what else may be in it."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import (
    CorruptStoreError,
    DriverError,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import contents, message
from chatstore.sqlite import SQLiteChatStore, files
from chatstore.sqlite.backend import SQLiteBackend

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


def rows(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(statement).fetchall()


@pytest.mark.parametrize("wrong", ["", ":memory:", None, 7])
def test_what_is_not_a_path_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="SimpleChatStore"):
        SQLiteChatStore(wrong)


def test_constructor_makes_no_file(path: Path) -> None:
    SQLiteChatStore(path).close()
    assert not path.exists()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with SQLiteChatStore(tmp_path / "none" / "chat.db") as store:
        with pytest.raises(StoreAccessError, match="none") as caught:
            store.add_message("k", message("x"))
        assert isinstance(caught.value.__cause__, DriverError)


def test_file_that_is_no_database_stays_as_it_is(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    with SQLiteChatStore(path) as store, pytest.raises(CorruptStoreError):
        store.get_messages("k")
    assert path.read_bytes() == b"no database " * 1000


def refused_write(path: Path) -> None:
    """Read, try to write, and exit with 0 if that was refused; called in a forked child."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)  # root may write to anything
    with SQLiteChatStore(path) as store:
        assert store.count_messages("k") == 1
        for write in (store.check, lambda: store.add_message("k", message("y"))):
            try:
                write()
            except StoreAccessError as error:
                if "readonly" not in str(error):
                    os._exit(1)
            else:
                os._exit(2)
    os._exit(0)


def test_read_only_file_is_read_and_refuses_writes() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        path = Path(folder) / "chat.db"
        with SQLiteChatStore(path) as store:
            store.add_message("k", message("x"))
        rows(path, "PRAGMA journal_mode = DELETE")  # a log would need files beside it
        path.chmod(0o444)
        path.parent.chmod(0o555)
        child = multiprocessing.get_context("fork").Process(target=refused_write, args=(path,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads
            child.start()
        child.join(60)
        path.parent.chmod(0o755)
        assert child.exitcode == 0
        with SQLiteChatStore(path) as store:
            assert store.count_messages("k") == 1


def test_full_database_keeps_what_it_has(path: Path) -> None:
    with SQLiteChatStore(path) as store:
        store.add_message("k", message("x"))
        backend = store.backend
        assert isinstance(backend, SQLiteBackend)
        with backend.database.connections.session() as db:
            db.execute("PRAGMA max_page_count = 1")  # SQLite takes the current size
        with pytest.raises(StoreFullError):
            store.add_message("k", message("y" * 1_000_000))
        assert contents(store.get_messages("k")) == ["x"]


def test_another_writer_is_waited_for_and_then_reported(path: Path) -> None:
    with SQLiteChatStore(path, timeout=0.05) as store:
        store.add_message("k", message("x"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError):
                store.add_message("k", message("y"))
            assert store.count_messages("k") == 1
            other.execute("ROLLBACK")
        store.add_message("k", message("y"))
        assert store.count_messages("k") == 2


def test_a_writer_that_takes_long_is_waited_for(path: Path) -> None:
    with (
        SQLiteChatStore(path) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        store.add_message("k", message("x"))
        other.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(0.1, other.execute, ["ROLLBACK"])
        ending.start()
        store.add_message("k", message("y"))
        ending.join()
        assert store.count_messages("k") == 2


@pytest.mark.parametrize("lock", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE", "BEGIN"])
def test_file_systems_without_shared_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """There is no write-ahead log: readers and writers wait for each other."""
    monkeypatch.setattr(files, "use_wal", lambda *_: None)
    with (
        SQLiteChatStore(path) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        store.add_message("k", message("x"))
        calls: list[Callable[[], object]] = [
            lambda: store.add_message("k", message("y")),
            lambda: store.count_messages("k"),
        ]
        for call in calls:
            other.execute(lock)
            other.execute("SELECT * FROM chatstore_messages").fetchall()
            ending = threading.Timer(0.1, other.execute, ["ROLLBACK"])
            ending.start()
            call()
            ending.join()
        assert store.count_messages("k") == 2


def test_a_file_that_cannot_have_a_log_is_used_without(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connect_with_dotfile(path: str, **options: Any) -> sqlite3.Connection:
        return connect(f"file:{path}?vfs=unix-dotfile", **options | {"uri": True})

    monkeypatch.setattr(sqlite3, "connect", connect_with_dotfile)
    with SQLiteChatStore(path) as store:
        store.add_message("k", message("x"))
        assert store.get_messages("k") == [message("x")]


def test_other_tables_are_left_alone(path: Path) -> None:
    rows(path, "CREATE TABLE conversations (key TEXT)")
    rows(path, "INSERT INTO conversations VALUES ('mine')")
    with SQLiteChatStore(path) as store:
        store.set_messages("k", [message("x")])
        store.delete_messages("k")
        assert store.get_keys() == []
    assert rows(path, "SELECT key FROM conversations") == [("mine",)]


def test_purge_reclaims_only_what_expired(path: Path) -> None:
    now = [1000.0]
    with SQLiteChatStore(path, ttl=10, clock=lambda: now[0]) as store:
        store.set_messages("old", [message(str(n)) for n in range(5000)])
        now[0] += 9
        store.add_message("new", message("x"))
        now[0] += 1
        store.purge_expired()
        assert store.get_keys() == ["new"]
    assert rows(path, "SELECT count(*) FROM chatstore_messages") == [(1,)]
    assert rows(path, "SELECT key FROM chatstore_conversations") == [("new",)]


def test_writes_reclaim_a_bounded_part(path: Path) -> None:
    now = [1000.0]
    with SQLiteChatStore(path, ttl=10, clock=lambda: now[0]) as store:
        store.set_messages("k", [message(str(n)) for n in range(500)])
        now[0] += 10
        for left in (301, 102, 3):
            store.add_message("k", message("again"))
            assert rows(path, "SELECT count(*) FROM chatstore_messages") == [(left,)]
        assert store.count_messages("k") == 3
