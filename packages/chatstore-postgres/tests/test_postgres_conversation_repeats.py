"""Writes of conversations, and of messages by id, take effect once if their replies are lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from postgres_calling import Caller, contents, message
from postgres_faults import ANSWER, FaultProxy
from postgres_harness import PostgresHarness

from chatstore.core import ChatStore, ConversationExistsError, RevisionConflictError
from chatstore.core.backend import Plan, StoredConversation, Update
from chatstore.postgres import PostgresBackend, PostgresChatStore
from chatstore.postgres.client import Client


@pytest.fixture
def store(
    harness: PostgresHarness, other: PostgresChatStore, call: Caller
) -> Iterator[PostgresChatStore]:
    with call.using(harness.open()) as opened:
        call(opened, "count_messages", "k")
        yield opened


class Write(NamedTuple):
    """A write to a conversation with the messages "a", "b" and "c", of which others know.

    Attributes:
        name: The method.
        args: Its arguments after the key.
        options: Its options.
        result: What it returns: a number, a message's content, or a conversation's title.
        meanwhile: What others do between the lost reply and the repetition.
        expected: The messages in the end.
        title: The title in the end.

    """

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]
    result: object
    meanwhile: Callable[[ChatStore], object]
    expected: list[str]
    title: str | None = "t"


def append_many(other: ChatStore) -> None:
    for number in range(30):
        other.add_message("k", message(str(number)))


def begin_again(other: ChatStore) -> None:
    other.delete_messages("k")
    other.add_message("k", message("new"))


MANY = [str(number) for number in range(30)]
PUT = message("B", id="b")
WRITES: dict[str, Write] = {
    "put": Write("put_message", (PUT,), {}, None, append_many, ["a", "B", "c", *MANY]),
    "put that others replaced": Write(
        "put_message",
        (PUT,),
        {},
        None,
        lambda other: other.put_message("k", message("later", id="b")),
        ["a", "later", "c"],
    ),
    "put that others removed": Write(
        "put_message", (PUT,), {}, None, lambda other: other.remove_message("k", "b"), ["a", "c"]
    ),
    "put of a new message": Write(
        "put_message",
        (message("x", id="x"),),
        {},
        None,
        lambda other: other.truncate("k", from_id="c"),
        ["a", "b"],
    ),
    "put into what is begun again": Write(
        "put_message", (PUT,), {}, None, begin_again, ["new"], None
    ),
    "append that others replaced": Write(
        "add_message",
        (message("x", id="x"),),
        {},
        None,
        lambda other: other.put_message("k", message("later", id="x")),
        ["a", "b", "c", "later"],
    ),
    "remove by id": Write("remove_message", ("b",), {}, "b", append_many, ["a", "c", *MANY]),
    "remove by id what is written again": Write(
        "remove_message",
        ("b",),
        {},
        "b",
        lambda other: other.add_message("k", message("again", id="b")),
        ["a", "c", "again"],
    ),
    "truncate": Write("truncate", (), {"from_id": "b"}, 2, append_many, ["a", *MANY]),
    "truncate what is written again": Write(
        "truncate",
        (),
        {"from_id": "b"},
        2,
        lambda other: other.add_message("k", message("again", id="b")),
        ["a", "again"],
    ),
    "update": Write(
        "update_conversation", (), {"title": "new"}, "new", append_many, [*"abc", *MANY], "new"
    ),
    "update that others changed": Write(
        "update_conversation",
        (),
        {"title": "new"},
        "new",
        lambda other: other.update_conversation("k", title="later"),
        [*"abc"],
        "later",
    ),
    "update that others changed back": Write(
        "update_conversation",
        (),
        {"title": "new"},
        "new",
        lambda other: other.update_conversation("k", title="t"),
        [*"abc"],
    ),
    "update of what is deleted": Write(
        "update_conversation",
        (),
        {"title": "new"},
        "new",
        lambda other: other.delete_messages("k"),
        [],
        None,
    ),
    "empty": Write("set_messages", ([],), {}, None, append_many, MANY),
}


@pytest.mark.parametrize("is_expecting", [False, True], ids=["any", "expecting"])
@pytest.mark.parametrize("how", WRITES)
def test_write_takes_effect_once(
    proxy: FaultProxy,
    store: ChatStore,
    other: PostgresChatStore,
    call: Caller,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    is_expecting: bool,
) -> None:
    """Also if the write itself has changed the revision that the repetition expects."""
    write = WRITES[how]
    update = PostgresBackend.update

    def update_after_read(
        self: PostgresBackend, key: str, value: Update
    ) -> Plan[Client, StoredConversation | None]:
        proxy.lose = int(key == "k" and self is store.backend) or proxy.lose
        return update(self, key, value)

    monkeypatch.setattr(PostgresBackend, "update", update_after_read)
    for key in ("prepared", "k"):
        other.create_conversation(key, title="t")
        other.add_messages(key, [message(text, id=text) for text in "abc"])
        options = dict(write.options)
        if is_expecting:
            now = other.get_conversation(key)
            assert now is not None
            options["expected_revision"] = now.revision
        if key == "k":  # the next answer is that of the statement
            proxy.on_loss = lambda: write.meanwhile(other)
            proxy.lose = int(write.name != "update_conversation")
            proxy.reply = reply_of(write)
        result = call(store, write.name, key, *write.args, **options)
    assert proxy.lost == 1
    shown = getattr(result, "content", getattr(result, "title", result))
    assert shown == write.result
    assert contents(other.get_messages("k")) == write.expected
    assert other.count_messages("k") == len(write.expected)
    current = other.get_conversation("k")
    assert (None if current is None else current.title) == write.title


def reply_of(write: Write) -> bytes:
    """Return what marks the answer of the write, not of a read before it."""
    if write.name == "remove_message":
        return f'"content":"{write.result}"'.encode()
    return ANSWER


def test_write_that_conflicts_after_a_lost_reply(
    proxy: FaultProxy, store: ChatStore, other: PostgresChatStore, call: Caller
) -> None:
    """The reply said that there is a conflict; the repetition says so, too."""
    other.create_conversation("k")
    with pytest.raises(RevisionConflictError):
        call(store, "add_message", "k", message("a"), expected_revision="1")
    proxy.reply, proxy.lose = ANSWER, 1
    with pytest.raises(RevisionConflictError):
        call(store, "add_message", "k", message("a"), expected_revision="1")
    assert proxy.lost == 1
    assert other.get_messages("k") == []


@pytest.mark.parametrize("what", ["nothing", "changed", "deleted", "created again"])
@pytest.mark.parametrize("name", ["create_conversation", "fork"])
def test_creation_takes_effect_once(
    proxy: FaultProxy,
    store: ChatStore,
    other: PostgresChatStore,
    call: Caller,
    name: str,
    what: str,
) -> None:
    def meanwhile() -> None:
        if what == "changed":
            other.update_conversation("k", title="later")
        elif what != "nothing":
            other.delete_messages("k")
        if what == "created again":
            other.create_conversation("k", title="again")

    other.add_messages("source", [message("a"), message("b")])
    call(store, "create_conversation", "prepared", owner="o")
    call(store, "fork", "source", "prepared too", owner="o")
    proxy.on_loss, proxy.reply, proxy.lose = meanwhile, ANSWER, 1
    args = ("source", "k") if name == "fork" else ("k",)
    if name == "fork":
        proxy.reply = b"SELECT 1\0Z"  # reads of the source return more rows
    made = call(store, name, *args, owner="o")
    assert proxy.lost == 1
    assert (made.owner, made.length) == ("o", 2 if name == "fork" else 0)
    current = other.get_conversation("k")
    if what == "nothing":
        assert current == made
        with pytest.raises(ConversationExistsError):
            call(store, name, *args, owner="o")
    titles = {"nothing": None, "changed": "later", "created again": "again"}
    assert (current is None) == (what == "deleted")
    assert current is None or current.title == titles[what]
    listed = other.list_conversations(owner="o").conversations
    assert ("k" in [one.key for one in listed]) == (what in {"nothing", "changed"})


def test_large_fork_takes_effect_once(
    proxy: FaultProxy,
    store: ChatStore,
    other: PostgresChatStore,
    call: Caller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of several statements in one transaction; the answer to its commit is lost."""
    monkeypatch.setattr("chatstore.postgres.values.CHUNK_CHARACTERS", 500)
    other.add_messages("source", [message(str(n) * 200, id=str(n)) for n in range(40)])
    proxy.reply, proxy.lose = b"COMMIT", 1
    made = call(store, "fork", "source", "k", until="38")
    assert proxy.lost == 1
    assert made.length == 39
    assert other.get_conversation("k") == made
    assert contents(other.get_messages("k")) == contents(other.get_messages("source"))[:39]
