"""What can be wrong with a file, and what else may stand in it."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import warnings
from contextlib import closing
from pathlib import Path

import pytest

from chatstore.core import (
    ChatMessage,
    CorruptStoreError,
    DriverError,
    InvalidArgumentError,
    SchemaVersionError,
    StoreAccessError,
    StoreFullError,
    StoreUnavailableError,
)
from chatstore.sqlite import SQLiteChatStore
from chatstore.sqlite.connections import Connections

NOBODY = 65534


def say(text):
    return ChatMessage(role="user", content=text)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


def rows(path, statement):
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(statement).fetchall()


@pytest.mark.parametrize("wrong", ["", ":memory:", None, 7])
def test_no_file_is_refused(wrong):
    with pytest.raises(InvalidArgumentError, match="SimpleChatStore"):
        SQLiteChatStore(wrong)


def test_constructor_makes_no_file(path):
    SQLiteChatStore(path).close()
    assert not path.exists()


def test_missing_folder_is_named(tmp_path):
    with SQLiteChatStore(tmp_path / "none" / "chat.db") as store:
        with pytest.raises(StoreAccessError, match="none") as caught:
            store.add_message("k", say("x"))
        assert isinstance(caught.value.__cause__, DriverError)


def test_file_that_is_no_database_stays_as_it_is(path):
    path.write_bytes(b"no database " * 1000)
    with SQLiteChatStore(path) as store, pytest.raises(CorruptStoreError):
        store.get_messages("k")
    assert path.read_bytes() == b"no database " * 1000


def test_later_schema_is_refused(path):
    with SQLiteChatStore(path) as store:
        store.add_message("k", say("x"))
    rows(path, "UPDATE chatstore_schema SET version = 2")
    with SQLiteChatStore(path) as store, pytest.raises(SchemaVersionError, match="2"):
        store.get_messages("k")


def refused_write(path):
    """In a forked child: read, try to write, and tell by the exit code what came of it."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)  # root may write to anything
    with SQLiteChatStore(path) as store:
        assert store.count_messages("k") == 1
        try:
            store.add_message("k", say("y"))
        except StoreAccessError as error:
            os._exit(0 if "readonly" in str(error) else 1)
    os._exit(2)


def test_read_only_file_is_read_and_refuses_writes():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        path = Path(folder) / "chat.db"
        with SQLiteChatStore(path) as store:
            store.add_message("k", say("x"))
        rows(path, "PRAGMA journal_mode = DELETE")  # a log would need files beside it
        path.chmod(0o444)
        path.parent.chmod(0o555)
        child = multiprocessing.get_context("fork").Process(target=refused_write, args=(path,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads
            child.start()
        child.join(30)
        path.parent.chmod(0o755)
        assert child.exitcode == 0
        with SQLiteChatStore(path) as store:
            assert store.count_messages("k") == 1


def test_full_database_keeps_what_it_has(path):
    with SQLiteChatStore(path) as store:
        store.add_message("k", say("x"))
        with store._connections.borrow() as db:
            db.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size
        with pytest.raises(StoreFullError):
            store.add_message("k", say("y" * 1_000_000))
        assert [message.content for message in store.get_messages("k")] == ["x"]


def test_another_writer_is_waited_for_and_then_reported(path):
    with SQLiteChatStore(path, timeout=0.05) as store:
        store.add_message("k", say("x"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError):
                store.add_message("k", say("y"))
            assert store.count_messages("k") == 1
            other.execute("ROLLBACK")
        store.add_message("k", say("y"))
        assert store.count_messages("k") == 2


def test_a_writer_that_takes_long_is_waited_for(path):
    with (
        SQLiteChatStore(path) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        store.add_message("k", say("x"))
        other.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(0.1, other.execute, ["ROLLBACK"])
        ending.start()
        store.add_message("k", say("y"))
        ending.join()
        assert store.count_messages("k") == 2


@pytest.mark.parametrize("lock", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE", "BEGIN"])
def test_file_systems_without_shared_memory(path, monkeypatch, lock):
    """There is no write-ahead log: readers and writers wait for each other."""
    monkeypatch.setattr(Connections, "_use_wal", lambda *_: None)
    with (
        SQLiteChatStore(path) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        store.add_message("k", say("x"))
        for call in (lambda: store.add_message("k", say("y")), lambda: store.count_messages("k")):
            other.execute(lock)
            other.execute("SELECT * FROM chatstore_messages").fetchall()
            ending = threading.Timer(0.1, other.execute, ["ROLLBACK"])
            ending.start()
            call()
            ending.join()
        assert store.count_messages("k") == 2


def test_a_file_that_cannot_have_a_log_is_used_without(path, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda path, **options: connect(f"file:{path}?vfs=unix-dotfile", uri=True, **options),
    )
    with SQLiteChatStore(path) as store:
        store.add_message("k", say("x"))
        assert store.get_messages("k") == [say("x")]


def test_other_tables_are_left_alone(path):
    rows(path, "CREATE TABLE conversations (key TEXT)")
    rows(path, "INSERT INTO conversations VALUES ('mine')")
    with SQLiteChatStore(path) as store:
        store.set_messages("k", [say("x")])
        store.delete_messages("k")
        assert store.get_keys() == []
    assert rows(path, "SELECT key FROM conversations") == [("mine",)]


def test_purge_reclaims_only_what_expired(path):
    now = [1000.0]
    with SQLiteChatStore(path, ttl=10, clock=lambda: now[0]) as store:
        store.set_messages("old", [say(str(n)) for n in range(5000)])
        now[0] += 9
        store.add_message("new", say("x"))
        now[0] += 1
        store.purge_expired()
        assert store.get_keys() == ["new"]
    assert rows(path, "SELECT count(*) FROM chatstore_messages") == [(1,)]
    assert rows(path, "SELECT key FROM chatstore_conversations") == [("new",)]


def test_writes_reclaim_a_bounded_part(path):
    now = [1000.0]
    with SQLiteChatStore(path, ttl=10, clock=lambda: now[0]) as store:
        store.set_messages("k", [say(str(n)) for n in range(500)])
        now[0] += 10
        for left in (301, 102, 3):
            store.add_message("k", say("again"))
            assert rows(path, "SELECT count(*) FROM chatstore_messages") == [(left,)]
        assert store.count_messages("k") == 3


FIRST_USE = """
import sys
from chatstore.core import ChatMessage
from chatstore.sqlite import SQLiteChatStore
print("ready", flush=True)
sys.stdin.readline()
with SQLiteChatStore(sys.argv[1]) as store:
    store.add_message("k", ChatMessage(role="user", content=sys.argv[2]))
"""


def test_sixteen_processes_make_the_tables_at_once(path):
    pipe = subprocess.PIPE
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, path, str(number)],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        for number in range(16)
    ]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        complaints = [worker.communicate(timeout=60)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert complaints == [""] * 16
    with SQLiteChatStore(path) as store:
        said = sorted(int(message.content) for message in store.get_messages("k"))
    assert said == list(range(16))
    assert rows(path, "SELECT version FROM chatstore_schema") == [(1,)]
