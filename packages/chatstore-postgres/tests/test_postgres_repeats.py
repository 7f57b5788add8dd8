"""A call whose reply is lost takes effect once, whatever others do before it is repeated."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from postgres_calling import Caller, contents, message
from postgres_faults import ANSWER, FaultProxy
from postgres_harness import PostgresHarness, backend_of
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from chatstore.core import ChatStore
from chatstore.core.backend import now
from chatstore.core.errors import OutcomeUnknownError
from chatstore.postgres import PostgresChatStore, retry
from chatstore.postgres.retry import LONGEST_REPETITION
from chatstore.postgres.sql.rendering import RETENTION_SECONDS


def by_url(harness: PostgresHarness) -> PostgresChatStore:
    return harness.open()


def by_engines(harness: PostgresHarness) -> PostgresChatStore:
    engine = create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:"))
    async_engine = create_async_engine(harness.url.replace("postgresql:", "postgresql+asyncpg:"))
    return PostgresChatStore(client=engine, async_client=async_engine, table_name=harness.table)


@pytest.fixture(params=[by_url, by_engines])
def store(
    request: pytest.FixtureRequest, harness: PostgresHarness, other: PostgresChatStore, call: Caller
) -> Iterator[ChatStore]:
    opened = request.param(harness)
    with call.using(opened):
        call(opened, "count_messages", "k")
        yield opened
    options = opened._constructed_with[1]
    if options.get("client") is not None:
        options["client"].dispose()
        call.run(options["async_client"].dispose())


# What others do between the lost reply and the repetition to a conversation "a", "b" to which "x"
# was appended; and its messages in the end.
MEANWHILE: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "nothing": (lambda other: None, ["a", "b", "x"]),
    "it is removed": (lambda other: other.delete_last_message("k"), ["a", "b"]),
    "all are removed": (
        lambda other: [other.delete_last_message("k") for _ in range(3)],
        [],
    ),
    "all are deleted": (lambda other: other.delete_messages("k"), []),
    "all are replaced": (lambda other: other.set_messages("k", [message("new")]), ["new"]),
    "it is removed and others come": (
        lambda other: (
            other.delete_last_message("k"),
            [other.add_message("k", message(str(n))) for n in range(30)],
        ),
        ["a", "b", *map(str, range(30))],
    ),
    "deleted and begun again": (
        lambda other: (other.delete_messages("k"), other.add_message("k", message("new"))),
        ["new"],
    ),
    "replaced and emptied": (
        lambda other: (other.set_messages("k", [message("new")]), other.delete_messages("k")),
        [],
    ),
    "its id is given to another": (
        lambda other: (
            other.delete_last_message("k"),
            other.add_message("k", message("other", id="x")),
        ),
        ["a", "b", "other"],
    ),
}
APPENDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "append": ("add_message", (message("x", id="x"),)),
    "append of several": ("add_messages", ([message("x", id="x")],)),
    "insert at the end": ("add_message", (message("x", id="x"), 2)),
}


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("how", APPENDS)
def test_append_takes_effect_once(
    proxy: FaultProxy, store: ChatStore, other: PostgresChatStore, call: Caller, how: str, what: str
) -> None:
    act, expected = MEANWHILE[what]
    name, arguments = APPENDS[how]
    other.set_messages("k", [message("a"), message("b")])
    call(store, name, "prepared", *arguments)  # so that the next answer is that of the statement
    proxy.on_loss, proxy.reply, proxy.lose = lambda: act(other), ANSWER, 1
    call(store, name, "k", *arguments)
    assert proxy.lost == 1
    assert contents(other.get_messages("k")) == expected
    assert other.count_messages("k") == len(expected)
    assert ("k" in other.get_keys()) == bool(expected)


@pytest.mark.parametrize("count", [2, 40])
def test_large_append_takes_effect_once(
    proxy: FaultProxy,
    store: ChatStore,
    other: PostgresChatStore,
    call: Caller,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of several statements in one transaction; the answer to its commit is lost."""
    monkeypatch.setattr("chatstore.postgres.values.CHUNK_CHARACTERS", 500)
    other.add_message("k", message("a"))
    proxy.on_loss = lambda: [other.delete_message("k", 1) for _ in range(count)]
    proxy.reply, proxy.lose = b"COMMIT", 1
    call(store, "add_messages", "k", [message(str(n) * 200) for n in range(count)])
    assert proxy.lost == 1
    assert contents(other.get_messages("k")) == ["a"]


def test_partly_removed_append_is_not_completed(
    proxy: FaultProxy, store: ChatStore, other: PostgresChatStore, call: Caller
) -> None:
    call(store, "add_messages", "k", [message("prepared"), message("too")])
    other.delete_messages("k")
    proxy.on_loss = lambda: other.delete_message("k", 0)
    proxy.reply, proxy.lose = ANSWER, 1
    call(store, "add_messages", "k", [message("a"), message("b")])
    assert proxy.lost == 1
    assert contents(other.get_messages("k")) == ["b"]


# The writes whose effects are recorded under their request id.
CALLS: dict[str, tuple[str, tuple[Any, ...], object, Callable[[Any], object], list[str]]] = {
    "remove the newest": (
        "delete_last_message",
        (),
        "c",
        lambda other: [other.add_message("k", message(str(n))) for n in range(30)],
        ["a", "b", *map(str, range(30))],
    ),
    "remove the first": (
        "delete_message",
        (0,),
        "a",
        lambda other: other.delete_message("k", 0),
        ["c"],
    ),
    "remove what is deleted": (
        "delete_last_message",
        (),
        "c",
        lambda other: other.delete_messages("k"),
        [],
    ),
    "replace": (
        "set_messages",
        ([message("n")],),
        None,
        lambda other: [other.add_message("k", message(str(n))) for n in range(30)],
        ["n", *map(str, range(30))],
    ),
    "replace what is deleted": (
        "set_messages",
        ([message("n")],),
        None,
        lambda other: other.delete_messages("k"),
        [],
    ),
    "delete": (
        "delete_messages",
        (),
        None,
        lambda other: other.set_messages("k", [message("new")]),
        ["new"],
    ),
}


@pytest.mark.parametrize("how", CALLS)
def test_other_writes_take_effect_once(
    proxy: FaultProxy, store: ChatStore, other: PostgresChatStore, call: Caller, how: str
) -> None:
    name, arguments, answer, act, expected = CALLS[how]
    other.set_messages("prepared", [message("p"), message("q")])
    call(store, name, "prepared", *arguments)
    other.set_messages("k", [message(text) for text in "abc"])
    reply = f'"content":"{answer}"'.encode() if answer else ANSWER  # not of a description
    proxy.on_loss, proxy.reply, proxy.lose = lambda: act(other), reply, 1
    result = call(store, name, "k", *arguments)
    assert proxy.lost == 1
    assert (result.content if result else result) == answer
    assert contents(other.get_messages("k")) == expected
    assert other.count_messages("k") == len(expected)


def test_write_that_was_forgotten_is_not_applied_again(
    proxy: FaultProxy,
    harness: PostgresHarness,
    other: PostgresChatStore,
    call: Caller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once the database no longer remembers the call, its outcome is unknown."""
    with call.using(harness.open()) as store:
        for name, arguments in (
            ("add_message", (message("x"),)),
            ("delete_last_message", ()),
            ("set_messages", ([message("n")],)),
            ("delete_messages", ()),
        ):
            other.set_messages("prepared", [message("p")])
            call(store, name, "prepared", *arguments)
            other.set_messages("k", [message("a"), message("b")])
            passed = [0.0]
            began = now()
            with monkeypatch.context() as patched:
                patched.setattr(retry, "now", lambda p=passed: began + p[0])  # noqa: B023

                def wait_for_long(passed: list[float] = passed) -> None:
                    other.delete_messages("k")
                    harness.execute("DELETE FROM {t}_requests")
                    passed[0] = LONGEST_REPETITION + 1

                backend_of(store)._sender.patience = 10 * LONGEST_REPETITION
                proxy.on_loss, proxy.reply, proxy.lose = wait_for_long, ANSWER, 1
                with pytest.raises(OutcomeUnknownError, match=f"{name}.* read the conversation"):
                    call(store, name, "k", *arguments)
            assert contents(other.get_messages("k")) == []


def test_memory_is_longer_than_any_repetition() -> None:
    assert RETENTION_SECONDS >= 2 * LONGEST_REPETITION


def test_ids_of_calls_do_not_come_from_the_programs_generator(
    harness: PostgresHarness, call: Caller
) -> None:
    """Training code seeds the global generator; two writers must not become one."""
    with call.using(harness.open()) as store:
        state = None
        for number in range(3):
            random.seed(7)
            call(store, "add_message", "k", message(str(number)))
            random.seed(7)
            call(store, "add_message", "k", message(f"{number}i"), 0)
            random.seed(7)
            state = random.getstate()
            call(store, "set_messages", f"s{number}", [message("a"), message("b")])
            assert random.getstate() == state  # and its state does not change
            random.seed(7)
            assert call(store, "delete_last_message", f"s{number}").content == "b"
        assert call(store, "count_messages", "k") == 6
        assert [call(store, "count_messages", f"s{number}") for number in range(3)] == [1, 1, 1]
    requests = harness.execute("SELECT count(DISTINCT request_id) FROM {t}_messages")
    assert requests == [(6,)]


@pytest.mark.parametrize("name", ["APPEND_NEW_ONE", "APPEND_RANDOM_ONE"])
def test_late_statement_of_a_lost_client_writes_nothing(
    harness: PostgresHarness, other: PostgresChatStore, name: str
) -> None:
    """It waits for the row while its call is repeated and the message is removed again."""
    import threading

    import psycopg

    from chatstore.postgres.sql import statements
    from chatstore.postgres.sql.rendering import TableNames

    other.set_messages("k", [message("a")])
    sql = TableNames(harness.table, None).render(getattr(statements, name))
    body = harness.execute("SELECT body FROM {t}_messages")[0][0]
    late = psycopg.connect(harness.url, autocommit=True, cursor_factory=psycopg.RawCursor)
    with psycopg.connect(harness.url) as holder:
        holder.execute(f"SELECT FROM {harness.table}_conversations FOR UPDATE".encode())
        rows: list[Any] = []
        values = (b"k", None, 1, b"late", body, 7)
        thread = threading.Thread(
            target=lambda: rows.extend(late.execute(sql.numbered.encode(), values).fetchall())
        )
        thread.start()
        deadline = time.monotonic() + 60
        while not harness.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s",
            f"%{harness.table}%",
        ):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # The effect of the repetition and the removal on the row.
        holder.execute(f"UPDATE {harness.table}_conversations SET next_position = 2".encode())
    thread.join(60)
    late.close()
    assert rows == []
    assert contents(other.get_messages("k")) == ["a"]


def test_content_of_removed_messages_goes_without_further_writes(
    harness: PostgresHarness, other: PostgresChatStore, call: Caller
) -> None:
    """The table of requests has it for a while; then a reader's call or a purge deletes it."""
    secret = "what a user wrote"
    for reclaim in ("count_messages", "get_messages", "purge_expired"):
        other.set_messages("k", [message("a"), message(secret)])
        other.delete_last_message("k")
        saved = harness.execute(
            "SELECT count(*) FROM {t}_requests WHERE body LIKE %s", f"%{secret}%"
        )
        assert saved == [(1,)]
        minutes = harness.execute(
            "SELECT extract(epoch FROM max(expires_at) - now()) FROM {t}_requests"
        )
        assert 0 < minutes[0][0] <= RETENTION_SECONDS
        harness.execute("UPDATE {t}_requests SET expires_at = now() - interval '1 s'")
        with call.using(harness.open()) as store:
            call(store, reclaim, *(() if reclaim == "purge_expired" else ("k",)))
        assert harness.execute("SELECT count(*) FROM {t}_requests") == [(0,)]


def test_reads_reclaim_once_a_minute(
    harness: PostgresHarness, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatstore.postgres.retry._SWEEP_SECONDS", -1.0)
    with call.using(harness.open()) as store:
        call(store, "add_message", "k", message("a"))
        call(store, "delete_last_message", "k")
        harness.execute("UPDATE {t}_requests SET expires_at = now() - interval '1 s'")
        call(store, "count_messages", "k")
        assert harness.execute("SELECT count(*) FROM {t}_requests") == [(0,)]


def test_caller_is_of_both_modes(call: Caller) -> None:
    assert call.mode in {"sync", "async"}
