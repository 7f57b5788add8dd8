"""Conversations of owners: order, expiry, and clocks that go back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatstore.core.testing.messages import contents, message
from chatstore.sqlite import SQLiteChatStore


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[SQLiteChatStore]:
    with SQLiteChatStore(path, durable=False, clock=clock) as store:
        yield store


def rows(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchall()


def keys(store: SQLiteChatStore, owner: str, limit: int = 50) -> list[str]:
    listed: list[str] = []
    cursor = None
    while True:
        page = store.list_conversations(owner=owner, limit=limit, cursor=cursor)
        listed += [one.key for one in page.conversations]
        cursor = page.next_cursor
        if cursor is None:
            return listed


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 50])
def test_conversations_of_the_same_time(store: SQLiteChatStore, limit: int) -> None:
    for key in ["b", "", "é", "a", "c"]:
        store.create_conversation(f"k{key}", owner="ann")
    assert keys(store, "ann", limit) == ["ké", "kc", "kb", "ka", "k"]


def test_a_clock_that_goes_back(store: SQLiteChatStore, clock: Clock) -> None:
    store.create_conversation("k", owner="ann")
    clock.now -= 100
    store.create_conversation("l", owner="ann")
    store.add_message("k", message("x"))
    conversation = store.get_conversation("k")
    assert conversation is not None
    assert conversation.updated_at == conversation.created_at
    assert keys(store, "ann") == ["k", "l"]


def test_a_cursor_is_valid_in_another_store(path: Path, store: SQLiteChatStore) -> None:
    for key in "abc":
        store.create_conversation(key, owner="ann")
    cursor = store.list_conversations(owner="ann", limit=1).next_cursor
    with SQLiteChatStore(path) as other:
        page = other.list_conversations(owner="ann", cursor=cursor)
    assert [one.key for one in page.conversations] == ["b", "a"]


def test_an_expired_conversation_leaves_the_list(path: Path, clock: Clock) -> None:
    with SQLiteChatStore(path, ttl=60, durable=False, clock=clock) as store:
        for key in ("large", "small"):
            store.create_conversation(key, owner="ann", title="t")
            store.add_messages(key, [message(str(n)) for n in range(500)])
        clock.now += 30
        store.create_conversation("new", owner="ann")
        clock.now += 30
        assert keys(store, "ann") == ["new"]
        # The key is used again before the messages are purged.
        store.create_conversation("large", owner="bob")
        store.add_message("large", message("x"))
        assert keys(store, "ann") == ["new"]
        assert keys(store, "bob") == ["large"]
        assert contents(store.get_messages("large")) == ["x"]
        assert rows(path, "SELECT count(*) FROM chatstore_messages") == [(601,)]
        assert rows(path, "SELECT owner FROM chatstore_conversations WHERE key IS NULL") == [
            (None,)
        ]
        store.purge_expired()
    assert rows(path, "SELECT key FROM chatstore_conversations ORDER BY key") == [
        ("large",), ("new",)
    ]  # fmt: skip
    assert rows(path, "SELECT count(*) FROM chatstore_messages") == [(1,)]


def test_an_update_takes_the_last_reason_to_stay(path: Path, store: SQLiteChatStore) -> None:
    store.add_message("k", message("x"))
    store.update_conversation("k", title="t")
    store.delete_last_message("k")
    changed = store.update_conversation("k", title=None)
    assert (changed.title, changed.length) == (None, 0)
    assert store.get_conversation("k") is None
    assert rows(path, "SELECT count(*) FROM chatstore_conversations") == [(0,)]


def test_a_list_is_read_from_the_index(path: Path, store: SQLiteChatStore) -> None:
    store.setup()
    [(*_, detail)] = rows(
        path,
        "EXPLAIN QUERY PLAN SELECT * FROM chatstore_conversations WHERE owner = 'ann' "
        "AND (updated_at, key) < (1, 'k') ORDER BY updated_at DESC, key DESC",
    )
    assert "chatstore_owners (owner=?" in detail  # and nothing is sorted
