"""How many statements each call sends: as a rule one, whatever the length of the conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from postgres_calling import Caller, contents, message
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer

from chatstore.core import ChatStore, ConversationExistsError, RevisionConflictError
from chatstore.core.backend import Append, Put, Record
from chatstore.postgres.client import AsyncClient, SyncClient
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import TableNames
from chatstore.postgres.values import revision_number, revision_text


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


@pytest.fixture
def sent(harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the statements that are sent by themselves, as they are sent."""
    render = TableNames(harness.table, None).render
    templates = {name: text for name, text in vars(statements).items() if name[0].isupper()}
    names = {render(text).numbered: name for name, text in templates.items()}
    seen: list[str] = []
    for kind in (SyncClient, AsyncClient):
        original: Callable[..., Any] = kind.fetch

        def fetch(
            self: Any, sql: Any, *parameters: object, original: Callable[..., Any] = original
        ) -> Any:
            seen.append(names[sql.numbered])
            return original(self, sql, *parameters)

        monkeypatch.setattr(kind, "fetch", fetch)
    return seen


CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], list[str]]] = [
    ("add_message", ("k", message("x")), {}, ["APPEND_RANDOM_ONE"]),
    ("add_message", ("k", message("x", id="x")), {}, ["APPEND_NEW_ONE"]),
    ("add_messages", ("k", [message("y"), message("z")]), {}, ["APPEND_NEW_MANY"]),
    ("put_message", ("k", message("edited", id="b")), {}, ["PUT"]),
    ("put_message", ("k", message("new", id="new")), {}, ["PUT"]),
    ("get_message", ("k", "b"), {}, ["FIND"]),
    ("remove_message", ("k", "b"), {}, ["REMOVE_BY_ID"]),
    ("remove_message", ("k", "unknown"), {}, ["REMOVE_BY_ID"]),
    ("page_messages", ("k",), {"limit": 2}, ["NEWEST"]),
    ("page_messages", ("k",), {"limit": 2, "before": "d"}, ["FIND", "NEWEST"]),
    ("page_messages", ("k",), {"limit": 2, "after": "a"}, ["FIND", "OLDEST"]),
    ("truncate", ("k",), {"from_id": "d"}, ["TRUNCATE"]),
    ("get_conversation", ("k",), {}, ["CONVERSATIONS"]),
    ("update_conversation", ("k",), {"title": "new"}, ["CONVERSATIONS", "UPDATE"]),
    ("snapshot", ("k",), {"last": 2}, ["NEWEST_AND_CONVERSATION"]),
    ("fork", ("k", "f"), {"until": "b"}, ["FIND", "NEWEST_AND_CONVERSATION", "CREATE"]),
    ("create_conversation", ("new",), {"owner": "ann"}, ["CREATE"]),
    ("list_conversations", (), {"owner": "ann"}, ["OWNED"]),
    ("list_conversations", (), {}, ["KEYS", "CONVERSATIONS"]),
    ("set_messages", ("k", []), {}, ["REPLACE"]),
    ("delete_messages", ("k",), {}, ["DELETE"]),
]


@pytest.mark.parametrize("size", [0, 600])
@pytest.mark.parametrize(
    ("name", "args", "options", "expected"), CALLS, ids=[f"{n}-{c[0]}" for n, c in enumerate(CALLS)]
)
def test_each_call_sends_the_same_statements(
    harness: PostgresHarness,
    sent: list[str],
    call: Caller,
    name: str,
    args: tuple[Any, ...],
    options: dict[str, Any],
    expected: list[str],
    size: int,
) -> None:
    with call.using(harness.open()) as store:
        call(store, "create_conversation", "k", owner="ann", title="t")
        messages = [message(str(number)) for number in range(size)]
        messages += [message(text, id=text) for text in "abcde"]
        call(store, "add_messages", "k", messages)
        sent.clear()
        call(store, name, *args, **options)
        assert sent == expected


def test_appends_to_conversations_with_an_owner_send_one_statement(
    harness: PostgresHarness, sent: list[str], call: Caller
) -> None:
    with call.using(harness.open()) as store:
        call(store, "create_conversation", "k", owner="ann")
        sent.clear()
        for number in range(20):
            call(store, "add_message", "k", message(str(number)))
        assert sent == ["APPEND_RANDOM_ONE"] * 20


def test_expected_revisions_cost_nothing(
    harness: PostgresHarness, sent: list[str], call: Caller
) -> None:
    with call.using(harness.open()) as store:
        made = call(store, "create_conversation", "k")
        sent.clear()
        call(store, "add_message", "k", message("a", id="a"), expected_revision=made.revision)
        assert sent == ["APPEND_ONE"]
        sent.clear()
        with pytest.raises(RevisionConflictError):
            call(store, "add_message", "k", message("b"), expected_revision=made.revision)
        assert sent == ["APPEND_ONE"]
        sent.clear()
        with pytest.raises(ConversationExistsError):
            call(store, "create_conversation", "k")
        assert sent == ["CREATE"]


@pytest.mark.parametrize("is_expecting", [False, True])
def test_existing_ids_come_before_the_revision(
    harness: PostgresHarness, call: Caller, monkeypatch: pytest.MonkeyPatch, is_expecting: bool
) -> None:
    """Also in an append of several statements whose last one has the existing id."""
    monkeypatch.setattr("chatstore.postgres.values.CHUNK_CHARACTERS", 1000)
    with call.using(harness.open()) as store:
        call(store, "add_message", "k", message("a" * 300, id="39"))
        before = call(store, "get_conversation", "k").revision
        records = [Record(str(number), "x" * 300) for number in range(40)]
        expected = "stale" if is_expecting else None
        existing = run(call, store, lambda backend: backend.append("k", Append(records, expected)))
        assert [one.id for one in existing] == ["39"]
        assert call(store, "get_conversation", "k").revision == before
        if is_expecting:
            with pytest.raises(RevisionConflictError) as raised:
                run(call, store, lambda backend: backend.append("k", Append(records[:9], "1")))
            assert raised.value.current_revision == before
            with pytest.raises(RevisionConflictError) as raised:
                run(call, store, lambda backend: backend.append("l", Append(records[:9], "1")))
            assert raised.value.current_revision is None
        written = Append(records[:39], before if is_expecting else None)
        assert run(call, store, lambda backend: backend.append("k", written)) == []
        assert call(store, "count_messages", "k") == 40


def test_put_moves_a_message_to_the_end(harness: PostgresHarness, call: Caller) -> None:
    with call.using(harness.open()) as store:
        call(store, "add_messages", "k", [message(text, id=text) for text in "abc"])
        body = harness.execute("SELECT body FROM {t}_messages WHERE position = 1")[0][0]
        for name in ("b", "b", "a", "new"):
            put = Put(Record(name, body), moves_to_end=True)
            run(call, store, lambda backend, put=put: backend.put("k", put))
        stored = harness.execute("SELECT message_id, position FROM {t}_messages ORDER BY position")
        assert [bytes(row[0]) for row in stored] == [b"c", b"b", b"a", b"new"]
        assert [row[1] for row in stored] == [2, 4, 5, 6]
        assert call(store, "count_messages", "k") == 4
        call(store, "add_message", "k", message("later"))
        assert contents(call(store, "get_messages", "k", last=1)) == ["later"]


def run(call: Caller, store: ChatStore, build: Callable[..., Any]) -> Any:
    """Run a plan of a store's backend."""
    backend = store.backend
    if call.mode == "sync":
        return backend.run(build(backend))
    return call.run(backend.async_run(build(backend)))


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "x", "1_0", " 1", "0x1", "01", "F", "f" * 16, "8" * 500, "\0", "é"]
)
def test_text_that_is_not_a_revision_matches_nothing(
    harness: PostgresHarness, call: Caller, text: str
) -> None:
    with call.using(harness.open()) as store:
        current = call(store, "create_conversation", "k").revision
        for key, expected in (("k", current), ("missing", None)):
            for name, args in (
                ("add_message", (message("a"),)),
                ("set_messages", ([message("a")],)),
                ("put_message", (message("a", id="a"),)),
                ("delete_messages", ()),
            ):
                with pytest.raises(RevisionConflictError) as raised:
                    call(store, name, key, *args, expected_revision=text)
                assert raised.value.current_revision == expected
        assert call(store, "get_conversation", "k").revision == current


def test_revisions_are_the_numbers_of_writes() -> None:
    for number in (1, 15, 2**62, 2**63 - 1):
        text = revision_text(number)
        assert text is not None
        assert revision_number(text) == number
    assert revision_text(0) is None
    assert revision_text(None) is None
    assert revision_number(None) is None


@pytest.mark.parametrize("index", [0, 1, -1, -5])
def test_insert_into_an_empty_conversation(
    harness: PostgresHarness, call: Caller, index: int
) -> None:
    with call.using(harness.open()) as store:
        call(store, "create_conversation", "k")
        call(store, "add_message", "k", message("a"), index)
        assert contents(call(store, "get_messages", "k")) == ["a"]
