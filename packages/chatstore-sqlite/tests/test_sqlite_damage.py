"""Files that were removed, replaced or damaged: the store reports it and loses nothing."""

from __future__ import annotations

import re
import shutil
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import (
    ChatStoreError,
    CorruptMessageError,
    CorruptStoreError,
    OutcomeUnknownError,
    StoreSetupError,
)
from chatstore.core.testing.messages import contents, message
from chatstore.sqlite import SQLiteChatStore, writing

DEEP = "[" * 100_000


def contents_of(path: Path) -> list[Any]:
    with SQLiteChatStore(path) as store:
        return contents(store.get_messages("k"))


def execute(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, values).rowcount


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteChatStore]:
    with SQLiteChatStore(path, durable=False) as store:
        store.add_messages("k", [message("1", id="one"), message("2", id="two")])
        store.update_conversation("k", owner="ann")
        yield store


@pytest.mark.parametrize("endings", [("", "-wal", "-shm"), ("",)], ids=["all", "database"])
def test_messages_are_not_written_into_a_removed_file(
    path: Path, store: SQLiteChatStore, endings: tuple[str, ...]
) -> None:
    for ending in endings:
        path.with_name(path.name + ending).unlink()
    store.add_message("k", message("after"))
    assert "after" in contents_of(path)
    store.close()
    assert "after" in contents_of(path)


def test_messages_are_not_written_into_a_removed_log(path: Path, store: SQLiteChatStore) -> None:
    store.add_message("k", message("3"))  # an idle connection knows its log now
    path.with_name(path.name + "-wal").unlink()
    store.add_message("k", message("after"))
    store.close()
    assert contents_of(path)[-1] == "after"


def test_messages_are_written_into_the_file_that_took_the_place(
    path: Path, store: SQLiteChatStore, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with SQLiteChatStore(other) as writer:
        writer.add_message("k", message("other"))
    shutil.move(path, tmp_path / "moved.db")
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.move(other, path)
    store.add_message("k", message("after"))
    store.close()
    assert contents_of(path) == ["other", "after"]


def test_a_file_that_is_removed_while_it_is_written(
    path: Path, store: SQLiteChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = writing.append

    def remove_first(*arguments: Any) -> Any:
        path.unlink()
        return append(*arguments)

    monkeypatch.setattr(writing, "append", remove_first)
    # SQLite notices it at the commit, or the store notices it afterwards.
    with pytest.raises(ChatStoreError) as caught:
        store.add_message("k", message("3"))
    assert isinstance(caught.value, OutcomeUnknownError) or "readonly" in str(caught.value)


BODIES = {
    "a blob": b"\x00\x01",
    "a number": 7,
    "deep, reformatted": ' {"v":1,"a":' + DEEP,
    "deep": '{"v":1,"role":"user","additional_kwargs":{"a":' + DEEP,
    "a number of 5,000 digits": ' {"v":1,"role":"user","additional_kwargs":{"a":' + "9" * 5000,
    "empty": "",
    "a list as version": '{"v":[1]}',
    "a deep version": '{"v":' + DEEP,
    "an array": "[1]",
    "null": "null",
    "NUL": "\0",
    "an object as role": '{"v":1,"role":{"a":1},"content":"x"}',
}
HEADS = {
    "a text as length": "length = 'abc'",
    "a negative length": "length = -1",
    "a huge length": "length = 9223372036854775807",
    "a length below": "length = 1",
    "a length above": "length = 3, next_position = 9",
    "a text as next position": "next_position = 'x'",
    "a next position of 64 bits": "next_position = 9223372036854775807",
    "a next position in use": "next_position = 1",
    "a blob as epoch": "epoch = x'00'",
    "a blob as key": "key = x'6b32'",
    "a text as expiry": "expires_at = 'zzz'",
    "a text as revision": "revision = 'x'",
    "a blob as owner": "owner = x'616e6e'",
    "bytes as owner": "owner = CAST(x'ff' AS TEXT)",
    "a blob as title": "title = x'00'",
    "bytes as title": "title = CAST(x'ff' AS TEXT)",
    "text as metadata": "metadata = '{'",
    "a list as metadata": "metadata = '[1]'",
    "deep metadata": f"metadata = '{DEEP}'",
    "a number as is_created": "is_created = 7",
    "a text as creation": "created_at = 'zzz'",
    "a blob as the time of the last write": "updated_at = x'00'",
    "an infinite time": "updated_at = 9e999",
}
UNREADABLE = [name for name in HEADS if re.search("text as|number as|metadata|owner|title", name)]
CALLS: dict[str, Callable[[SQLiteChatStore], object]] = {
    "get_messages": lambda store: store.get_messages("k"),
    "window": lambda store: store.get_messages("k", last=1),
    "iter_messages": lambda store: list(store.iter_messages("k")),
    "reverse": lambda store: list(store.iter_messages("k", reverse=True)),
    "skip": lambda store: list(store.iter_messages("k", on_corrupt="skip")),
    "delete_last_message": lambda store: store.delete_last_message("k"),
    "the same id": lambda store: store.add_message("k", message("2", id="two")),
    "add_message": lambda store: store.add_message("k", message("3")),
    "insert": lambda store: store.add_message("k", message("i"), 0),
    "count_messages": lambda store: store.count_messages("k"),
    "get_keys": lambda store: store.get_keys(),
    "force": lambda store: store.delete_message("k", 1, force=True),
    "get_message": lambda store: store.get_message("k", "two"),
    "put_message": lambda store: store.put_message("k", message("new", id="two")),
    "remove_message": lambda store: store.remove_message("k", "two"),
    "page_messages": lambda store: store.page_messages("k", before="two"),
    "truncate": lambda store: store.truncate("k", from_id="one"),
    "fork": lambda store: store.fork("k", "new"),
    "set_messages": lambda store: store.set_messages("k", []),
    "create_conversation": lambda store: store.create_conversation("k"),
    "get_conversation": lambda store: store.get_conversation("k"),
    "update_conversation": lambda store: store.update_conversation("k", title="t"),
    "list_conversations": lambda store: store.list_conversations(),
    "list of an owner": lambda store: store.list_conversations(owner="ann"),
    "erase an owner": lambda store: store.delete_conversations(owner="ann"),
    "snapshot": lambda store: store.snapshot("k"),
    "expected revision": lambda store: store.delete_messages("k", expected_revision="1"),
}


def test_text_that_is_not_utf_8(path: Path, store: SQLiteChatStore) -> None:
    """sqlite3's error would quote it."""
    execute(
        path,
        "UPDATE chatstore_messages SET body = CAST(? AS TEXT) WHERE message_id = 'two'",
        b'{"v":1,"role":"user","content":"secret \xff is locked"}',
    )
    for call in (CALLS["get_messages"], CALLS["delete_last_message"]):
        with pytest.raises(CorruptMessageError, match="cannot be read") as caught:
            call(store)
        assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert store.delete_message("k", 1, force=True) is None
    assert contents(store.get_messages("k")) == ["1"]


def only_store_errors(path: Path, store: SQLiteChatStore) -> None:
    """Close a store with a damaged file, and make each call on a copy of the file."""
    store.close()
    copy = path.with_name("copy.db")
    for name, call in CALLS.items():
        shutil.copy(path, copy)
        with SQLiteChatStore(copy, durable=False) as damaged:
            failure = None
            try:
                call(damaged)
            except ChatStoreError as error:
                failure = error
            assert "please report" not in str(failure), name


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_damaged_bodies(path: Path, store: SQLiteChatStore, body: object) -> None:
    execute(path, "UPDATE chatstore_messages SET body = ? WHERE message_id = 'two'", body)
    for name in ("get_messages", "window", "iter_messages", "reverse", "delete_last_message"):
        with pytest.raises(ChatStoreError, match="cannot be read"):
            CALLS[name](store)
    assert store.delete_message("k", 1, force=True) is None
    assert contents(store.get_messages("k")) == ["1"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_calls_beside_a_damaged_body(path: Path, store: SQLiteChatStore, body: object) -> None:
    execute(path, "UPDATE chatstore_messages SET body = ? WHERE message_id = 'two'", body)
    only_store_errors(path, store)


@pytest.mark.parametrize("change", HEADS.values(), ids=HEADS)
def test_damaged_rows_of_conversations(path: Path, store: SQLiteChatStore, change: str) -> None:
    execute(path, f"UPDATE chatstore_conversations SET {change}")
    only_store_errors(path, store)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_damaged_conversation_record(path: Path, store: SQLiteChatStore, name: str) -> None:
    execute(path, f"UPDATE chatstore_conversations SET {HEADS[name]}")
    for call in ("get_conversation", "snapshot", "update_conversation"):
        with pytest.raises(CorruptStoreError):
            CALLS[call](store)
    store.delete_messages("k")
    assert store.get_conversation("k") is None


@pytest.mark.parametrize("which", ["one", "two"])
def test_a_conversation_with_a_missing_message_is_not_read_short(
    path: Path, store: SQLiteChatStore, which: str
) -> None:
    execute(path, "DELETE FROM chatstore_messages WHERE message_id = ?", which)
    for last in (None, 2):
        with pytest.raises(CorruptStoreError, match="do not agree"):
            store.get_messages("k", last=last)
    store.set_messages("k", [message("new")])
    assert contents_of(path) == ["new"]


def test_a_table_of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE chatstore_messages (text TEXT)")
    with SQLiteChatStore(path) as store, pytest.raises(StoreSetupError, match="another program"):
        store.add_message("k", message("x"))


def test_a_table_that_was_removed(path: Path, store: SQLiteChatStore) -> None:
    execute(path, "DELETE FROM chatstore_messages")
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE chatstore_messages")
    with pytest.raises(StoreSetupError, match="removed"):
        store.add_message("k", message("x"))
