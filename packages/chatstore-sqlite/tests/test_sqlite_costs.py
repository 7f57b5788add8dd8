"""Calls do the same work for short and long conversations, and for few and many of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple, Protocol

import pytest
from sqlite_work import Work

from chatstore.core import ChatMessage
from chatstore.core.testing.messages import message
from chatstore.sqlite import SQLiteChatStore

PAGE = 4096 + 24  # bytes of a page in the write-ahead log
SHORT, LONG = 20, 20_000


class Cost(NamedTuple):
    statements: int
    steps: int
    pages: int


class Measured:
    """A store whose calls are measured."""

    def __init__(self, path: Path, work: Work) -> None:
        self.path = path
        self.work = work
        self.now = 1000.0
        self.store = SQLiteChatStore(path, durable=False, clock=lambda: self.now)

    def cost(self, call: Callable[[SQLiteChatStore], object]) -> Cost:
        """Call, and return what the call cost."""
        with closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.now += 1
        self.work.clear()
        call(self.store)
        log = self.path.with_name(f"{self.path.name}-wal").stat().st_size
        return Cost(len(self.work.statements), self.work.steps, log // PAGE)


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    measured = Measured(tmp_path / "chat.db", Work(monkeypatch))
    with measured.store:
        yield measured


def user(message_id: str) -> ChatMessage:
    return message("x" * 500, id=message_id)


def revision(store: SQLiteChatStore, key: str) -> str:
    conversation = store.get_conversation(key)
    assert conversation is not None
    return conversation.revision


class Call(Protocol):
    """A call for a conversation with a key, and a message behind which there are nine."""

    def __call__(self, store: SQLiteChatStore, key: str, near: str) -> object: ...


CALLS: dict[str, Call] = {
    "append": lambda store, key, near: store.add_message(key, user("new")),
    "append with a revision": lambda store, key, near: store.add_message(
        key, user("newer"), expected_revision=revision(store, key)
    ),
    "append again": lambda store, key, near: store.add_message(key, user("new")),
    "put a new one": lambda store, key, near: store.put_message(key, user("put")),
    "put the first": lambda store, key, near: store.put_message(key, user("0")),
    "remove by id": lambda store, key, near: store.remove_message(key, "5"),
    "update": lambda store, key, near: store.update_conversation(key, title="new"),
    "get a message": lambda store, key, near: store.get_message(key, near),
    "page before": lambda store, key, near: store.page_messages(key, limit=5, before=near),
    "page after": lambda store, key, near: store.page_messages(key, limit=5, after=near),
    "snapshot": lambda store, key, near: store.snapshot(key, last=5),
    "get the conversation": lambda store, key, near: store.get_conversation(key),
    "list of the owner": lambda store, key, near: store.list_conversations(owner="ann"),
    "truncate": lambda store, key, near: store.truncate(key, from_id=near),
}


def test_the_length_of_a_conversation_does_not_matter(measured: Measured) -> None:
    for size in (SHORT, LONG):
        key = str(size)
        measured.store.create_conversation(key, owner="ann", title="t", metadata={"a": "x" * 100})
        measured.store.set_messages(key, [user(str(number)) for number in range(size)])
    for name, call in CALLS.items():
        short, long = (
            measured.cost(partial(call, key=str(size), near=str(size - 10)))
            for size in (SHORT, LONG)
        )
        assert long.statements == short.statements, name
        assert long.steps <= 1.02 * short.steps, name
        assert long.pages <= short.pages + 3, name  # a page may have to be split


def test_an_append(measured: Measured) -> None:
    """Conversation records cost an append nothing, and owners a page of their index."""

    def append() -> Cost:
        """Return the lowest cost: pages are split sometimes."""
        return min(
            measured.cost(lambda store: store.add_message("k", user(token_hex(16))))
            for _ in range(8)
        )

    measured.store.add_messages("k", [user(token_hex(16)) for _ in range(1000)])
    plain = append()
    verbs = [statement.split(" ")[0] for statement in measured.work.statements]
    assert verbs == ["BEGIN", "SELECT", "INSERT", "UPDATE", "SELECT", "COMMIT"]
    assert plain.steps < 200
    assert plain.pages == 4
    measured.store.update_conversation("k", title="t", metadata={"a": "x" * 100})
    assert append() == plain
    measured.store.update_conversation("k", owner="ann")
    owned = append()
    assert owned.statements == plain.statements
    assert owned.steps < 1.2 * plain.steps
    assert owned.pages == 5


def test_no_message_of_an_append_is_looked_for(measured: Measured) -> None:
    """The index of ids refuses those that exist."""
    measured.store.add_message("k", user("0"))
    measured.cost(
        lambda store: store.add_messages("k", [user(str(number)) for number in range(1, 100)])
    )
    verbs = [statement.split(" ")[0] for statement in measured.work.statements]
    assert verbs.count("SELECT") == 2
    assert verbs.count("INSERT") == 99


def test_an_append_some_of_whose_messages_exist(measured: Measured) -> None:
    """What was written before the existing one was found is undone, and written once."""
    store = measured.store
    store.add_messages("k", [user("a"), user("b")])
    store.add_messages("k", [user("c"), user("b"), user("d"), user("a")])
    assert [one.id for one in store.get_messages("k")] == ["a", "b", "c", "d"]
    assert store.count_messages("k") == 4


@pytest.mark.parametrize("owner", ["ann", "bob"])
def test_a_list_does_not_read_other_conversations(measured: Measured, owner: str) -> None:
    """A page costs the same for any number of conversations, of others and of the owner."""
    own = 60
    for number in range(own):
        measured.store.create_conversation(f"ann {number}", owner="ann")
        measured.store.create_conversation(f"bob {number}", owner="bob")
    before = measured.cost(lambda store: store.list_conversations(owner=owner))
    for number in range(2_000):
        measured.store.create_conversation(f"new {number}", owner="ann")
        measured.store.add_message(f"plain {number}", user("a"))
    after = measured.cost(lambda store: store.list_conversations(owner=owner))
    assert after.statements == before.statements == 3
    assert after.steps <= 1.02 * before.steps


def test_pages_of_a_list(measured: Measured) -> None:
    for number in range(500):
        measured.store.create_conversation(f"{number}", owner="ann")
    cursors: list[str | None] = [None]

    def read_page(store: SQLiteChatStore) -> None:
        page = store.list_conversations(owner="ann", limit=50, cursor=cursors[-1])
        cursors.append(page.next_cursor)

    costs = [measured.cost(read_page) for _ in range(10)]
    assert cursors[-1] is None
    later = [cost.steps for cost in costs[1:]]  # these compare with the cursor, too
    assert max(later) <= 1.02 * min(later)
    assert max(later) <= 1.5 * costs[0].steps
