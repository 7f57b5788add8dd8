"""The short statement of an append, and the cases in which the full one follows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from postgres_calling import contents, message
from postgres_faults import FaultProxy
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer
from sqlalchemy import create_engine

from chatstore.core import ChatStore, MessageConflictError
from chatstore.core.backend import Append, Backend, Record
from chatstore.core.testing.alone import alone
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.client import SyncClient
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import Rows, Sql, TableNames


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


@pytest.fixture
def sent(harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the statements that are sent, as they are sent."""
    render = TableNames(harness.table, None).render
    templates = {name: text for name, text in vars(statements).items() if name[0].isupper()}
    names = {render(text).numbered: name for name, text in templates.items()}
    seen: list[str] = []
    original = SyncClient.fetch

    def fetch(self: SyncClient, sql: Sql, *parameters: object) -> Rows:
        seen.append(names[sql.numbered])
        return original(self, sql, *parameters)

    monkeypatch.setattr(SyncClient, "fetch", fetch)
    return seen


def test_full_statement_returns_existing_messages(
    harness: PostgresHarness, sent: list[str]
) -> None:
    with harness.open() as store:
        store.setup()
        sent.clear()
        store.add_message("k", message("a", id="1"))
        assert sent == ["APPEND_NEW_ONE"]
        sent.clear()
        store.add_message("k", message("b", id="2"))
        store.add_messages("k", [message("c", id="3"), message("d", id="4")])
        assert sent == ["APPEND_NEW_ONE", "APPEND_NEW_MANY"]
        sent.clear()
        store.add_message("k", message("a", id="1"))
        assert sent == ["APPEND_NEW_ONE", "APPEND_ONE"]
        sent.clear()
        store.add_messages("k", [message("d", id="4"), message("e", id="5")])
        assert sent == ["APPEND_NEW_MANY", "APPEND_MANY", "APPEND_NEW_ONE"]
        for name, argument in (
            ("add_message", message("x", id="3")),
            ("add_messages", [message("x", id="3")]),
        ):
            with pytest.raises(MessageConflictError):
                getattr(store, name)("k", argument)
        assert contents(store.get_messages("k")) == list("abcde")
        assert store.count_messages("k") == 5


def test_a_random_id_that_exists_is_found_by_the_constraint(
    harness: PostgresHarness, sent: list[str]
) -> None:
    """Its first write took effect, but the caller was cancelled before it knew."""
    record = Record("random", '{"v":1,"id":"random","role":"user","content":"a"}', False)
    with harness.open() as store:
        backend: Backend[Any] = store.backend
        assert backend.run(backend.append("k", Append([record]))) == []
        sent.clear()
        [existing] = backend.run(backend.append("k", Append([record])))
        assert sent == ["APPEND_RANDOM_ONE", "APPEND_ONE"]
        assert (existing.id, existing.body) == (record.id, record.body)
        assert store.count_messages("k") == 1


def test_ids_of_removed_messages_may_be_used_again(harness: PostgresHarness) -> None:
    with harness.open() as store:
        store.add_messages("k", [message("a", id="1"), message("b", id="2")])
        store.delete_last_message("k")
        store.add_message("k", message("c", id="2"))
        assert contents(store.get_messages("k")) == ["a", "c"]


@pytest.mark.parametrize("identity", ["1", "3"])
def test_expired_conversation_begins_again(
    harness: PostgresHarness, sent: list[str], identity: str
) -> None:
    with harness.open(ttl=60) as store:
        store.add_messages("k", [message("a", id="1"), message("b", id="2")])
        harness.execute("UPDATE {t}_conversations SET expires_at = now() - interval '1 s'")
        sent.clear()
        store.add_message("k", message("new", id=identity))
        assert sent[:4] == ["APPEND_NEW_ONE", "APPEND_ONE", "RELEASE_EXPIRED_KEY", "APPEND_ONE"]
        assert contents(store.get_messages("k")) == ["new"]


@pytest.mark.parametrize("count", [1, 3])
def test_lost_reply_of_a_short_append(
    newest_server: PostgresServer, harness: PostgresHarness, count: int
) -> None:
    proxy = FaultProxy(newest_server.port)
    messages = [message(f"new {number}") for number in range(count)]
    with (
        harness.open() as other,
        PostgresChatStore.from_uri(proxy.url, table_name=harness.table) as store,
    ):
        store.add_message("k", message("first"))
        proxy.on_loss = lambda: other.add_message("k", message("later"))
        proxy.reply, proxy.lose = b"SELECT 1\0", 1
        store.add_messages("k", messages)
        assert proxy.lost == 1
        expected = ["first", *contents(messages), "later"]
        assert contents(other.get_messages("k")) == expected
        assert other.count_messages("k") == len(expected)
    proxy.close()


@pytest.mark.parametrize("size", [1, 3])
def test_sixteen_writers_of_the_same_ids(harness: PostgresHarness, size: int) -> None:
    """Each message is written once, in the order of the batches."""
    batches = [
        [message(f"{number}.{part}", id=f"{number}.{part}") for part in range(size)]
        for number in range(30)
    ]

    def append(store: ChatStore) -> None:
        for batch in batches:
            store.add_messages("k", batch)

    async def async_append(store: ChatStore) -> None:
        async def one() -> None:
            for batch in batches:
                await store.async_add_messages("k", batch)

        await asyncio.gather(*(one() for _ in range(8)))
        await store.async_close()

    with harness.open() as store, ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(append, alone(store)) for _ in range(8)]
        waiting.append(pool.submit(lambda: asyncio.run(async_append(alone(harness.open())))))
        for one in waiting:
            one.result(60)
        expected = [text for batch in batches for text in contents(batch)]
        assert contents(store.get_messages("k")) == expected
        assert store.count_messages("k") == len(expected)


def test_sixteen_writers_of_one_id_with_different_content(harness: PostgresHarness) -> None:
    def write(number: int) -> str | None:
        try:
            alone(store).add_message("k", message(str(number), id="same"))
        except MessageConflictError:
            return None
        return str(number)

    with harness.open() as store, ThreadPoolExecutor(16) as pool:
        store.add_message("k", message("first"))
        written = [text for text in pool.map(write, range(16)) if text is not None]
        assert len(written) == 1
        assert contents(store.get_messages("k")) == ["first", *written]


@contextmanager
def holding(harness: PostgresHarness, key: str = "k") -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock of a conversation's row, and commit at the end."""
    with psycopg.connect(harness.url) as connection:
        connection.execute(
            f"SELECT FROM {harness.table}_conversations WHERE key = %s FOR UPDATE".encode(),
            [key.encode()],
        )
        yield connection


def wait_for(harness: PostgresHarness, **events: int) -> None:
    """Wait until the given numbers of statements wait for locks of these kinds."""
    deadline = time.monotonic() + 60
    while True:
        rows = harness.execute(
            "SELECT wait_event, count(*)::int FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND query LIKE %s GROUP BY 1",
            f"%{harness.table}%",
        )
        if dict(rows) == events:
            return
        assert time.monotonic() < deadline, rows
        time.sleep(0.01)


@pytest.fixture
def background() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


CHANGES = {
    "deleted": ("DELETE FROM {t}_messages; DELETE FROM {t}_conversations", ["new"]),
    "released": ("UPDATE {t}_conversations SET key = NULL", ["new"]),
    "expired": ("UPDATE {t}_conversations SET expires_at = now() - interval '1 s'", ["new"]),
    "replaced": (
        """UPDATE {t}_conversations SET id = DEFAULT, next_position = 1, length = 1;
        UPDATE {t}_messages SET conversation = c.id FROM {t}_conversations c""",
        ["old", "new"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_while_an_append_waits(
    harness: PostgresHarness, background: Callable[..., Future[Any]], change: str
) -> None:
    changes, expected = CHANGES[change]
    with harness.open() as store:
        store.add_message("k", message("old"))
        with holding(harness) as connection:
            done = background(store.add_message, "k", message("new"))
            wait_for(harness, transactionid=1)
            connection.execute(changes.format(t=harness.table).encode())
        done.result(20)
        assert contents(store.get_messages("k")) == expected
        assert store.count_messages("k") == len(expected)


def test_same_id_is_written_while_an_append_waits(
    harness: PostgresHarness, background: Callable[..., Future[Any]]
) -> None:
    """Only the table's constraint detects it, and the full statement returns the message."""
    with harness.open() as store:
        store.add_message("k", message("old"))
        with holding(harness) as connection:
            done = [
                background(alone(store).add_message, "k", message(text, id="1"))
                for text in ("a", "b")
            ]
            wait_for(harness, transactionid=1, tuple=1)
            connection.rollback()
        conflicts = [one for one in done if isinstance(one.exception(20), MessageConflictError)]
        assert len(conflicts) == 1
        assert store.count_messages("k") == 2


def test_engine_of_the_caller_and_an_existing_id(
    harness: PostgresHarness, background: Callable[..., Future[Any]]
) -> None:
    engine = create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:"))
    with PostgresChatStore(client=engine, table_name=harness.table) as store:
        store.add_message("k", message("old"))
        with holding(harness):
            add = alone(store).add_message
            done = [background(add, "k", message("a", id="1")) for _ in range(2)]
            wait_for(harness, transactionid=1, tuple=1)
        for one in done:
            one.result(20)
        store.add_message("k", message("a", id="1"))
        assert contents(store.get_messages("k")) == ["old", "a"]
    engine.dispose()


def test_impatient_writers_of_the_same_ids(harness: PostgresHarness) -> None:
    """Without patience, a call still does not fail because of another writer."""
    batch = [message(str(number), id=str(number)) for number in range(20)]

    def write(_: int) -> None:
        for one in batch:
            alone(store).add_message("k", one)

    with (
        PostgresChatStore(harness.url, table_name=harness.table, patience=0) as store,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(write, range(8)))
        assert contents(store.get_messages("k")) == contents(batch)
