"""Appends of many tasks to many conversations, which one statement writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from postgres_calling import contents, message
from postgres_harness import PostgresHarness, pooled
from postgres_servers import PostgresServer

from chatstore.core import MessageConflictError
from chatstore.postgres import PostgresChatStore, batching
from chatstore.postgres.drivers.asyncpg import AsyncpgSession
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import Rows, Sql, TableNames

KEYS = [f"k{number}" for number in range(12)]
Fetch = Callable[..., Awaitable[Rows]]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls wait for those under way however slow the machine is."""
    monkeypatch.setattr(batching, "_LONGEST_WAIT", 60.0)


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


@pytest.fixture
def sent(harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the statements that asyncpg sends, as it sends them."""
    seen: list[str] = []
    names = names_of(harness)
    original: Fetch = AsyncpgSession.fetch

    async def fetch(self: AsyncpgSession, sql: Sql, *parameters: object) -> Rows:
        seen.append(names.get(sql.numbered, ""))
        return await original(self, sql, *parameters)

    monkeypatch.setattr(AsyncpgSession, "fetch", fetch)
    return seen


def names_of(harness: PostgresHarness) -> dict[str, str]:
    render = TableNames(harness.table, None).render
    templates = {name: text for name, text in vars(statements).items() if name[0].isupper()}
    return {render(text).numbered: name for name, text in templates.items() if text}


def on_a_loop(
    harness: PostgresHarness, scenario: Callable[[PostgresChatStore], Coroutine[Any, Any, None]]
) -> None:
    """Run a scenario on a store whose conversations have one message each."""

    async def run() -> None:
        async with harness.open(ttl=3600) as store:
            for key in KEYS:
                await store.async_add_message(key, message("first", id="first"))
            await scenario(store)

    asyncio.run(run())


def append(store: PostgresChatStore, key: str, identity: str = "new") -> Coroutine[Any, Any, None]:
    return store.async_add_message(key, message(f"of {key}", id=identity))


async def outcomes(*calls: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    return list(await asyncio.gather(*calls, return_exceptions=True))


def test_appends_that_wait_are_one_statement(harness: PostgresHarness, sent: list[str]) -> None:
    async def scenario(store: PostgresChatStore) -> None:
        sent.clear()
        await asyncio.gather(*(append(store, key) for key in KEYS))
        assert sorted(sent) == ["APPEND_BATCH", "APPEND_NEW_ONE", "APPEND_NEW_ONE"]
        for key in KEYS:
            assert contents(await store.async_get_messages(key)) == ["first", f"of {key}"]

    on_a_loop(harness, scenario)
    rows = harness.execute(
        "SELECT count(DISTINCT m.request_id), count(DISTINCT c.revision), count(c.expires_at), "
        "bool_and(c.revision = m.request_id AND m.body_hash = hashtextextended(m.body, 0)) "
        "FROM {t}_conversations c JOIN {t}_messages m ON m.conversation = c.id "
        "WHERE m.position = 1"
    )
    assert rows == [(len(KEYS), len(KEYS), len(KEYS), True)]


def test_one_append_is_sent_alone_and_at_once(harness: PostgresHarness, sent: list[str]) -> None:
    async def scenario(store: PostgresChatStore) -> None:
        sent.clear()
        for key in KEYS:
            await append(store, key)
        assert sent == ["APPEND_NEW_ONE"] * len(KEYS)

    on_a_loop(harness, scenario)


def test_each_call_has_its_own_outcome(harness: PostgresHarness) -> None:
    """Ids that exist, new conversations and expired ones concern only their own calls."""

    async def scenario(store: PostgresChatStore) -> None:
        repeated = store.async_add_message(KEYS[5], message("first", id="first"))
        harness.execute(
            "UPDATE {t}_conversations SET expires_at = now() - interval '1 s' WHERE key = %s",
            KEYS[9].encode(),
        )
        results = await outcomes(
            *(append(store, key) for key in KEYS[:4]),
            append(store, KEYS[4], "first"),
            repeated,
            append(store, "absent"),
            *(append(store, key) for key in KEYS[6:]),
        )
        failed = [number for number, result in enumerate(results) if result is not None]
        assert failed == [4]
        assert isinstance(results[4], MessageConflictError)
        for key in [*KEYS, "absent"]:
            expected = ["first"] if key not in {"absent", KEYS[9]} else []
            expected += [f"of {key}"] if key not in KEYS[4:6] else []
            assert contents(await store.async_get_messages(key)) == expected

    on_a_loop(harness, scenario)


def test_a_locked_conversation_does_not_hold_up_others(harness: PostgresHarness) -> None:
    async def scenario(store: PostgresChatStore) -> None:
        with psycopg.connect(harness.url) as holder:
            holder.execute(
                f"SELECT FROM {harness.table}_conversations WHERE key = %s FOR UPDATE".encode(),
                (KEYS[5].encode(),),
            )
            calls = [asyncio.ensure_future(append(store, key)) for key in KEYS]
            locked = calls.pop(5)
            await asyncio.wait_for(asyncio.gather(*calls), 60)
            assert not locked.done()
            holder.rollback()
            await asyncio.wait_for(locked, 60)
        assert await store.async_count_messages(KEYS[5]) == 2

    on_a_loop(harness, scenario)


def test_nobody_waits_long_for_locked_conversations(
    harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those under way are locked; the others are written while these wait."""
    monkeypatch.setattr(batching, "_LONGEST_WAIT", 0.01)

    async def scenario(store: PostgresChatStore) -> None:
        with psycopg.connect(harness.url) as holder:
            holder.execute(
                f"SELECT FROM {harness.table}_conversations WHERE key = ANY (%s) "
                "FOR UPDATE".encode(),
                ([key.encode() for key in KEYS[:2]],),
            )
            calls = [asyncio.ensure_future(append(store, key)) for key in KEYS]
            await asyncio.wait_for(asyncio.gather(*calls[2:]), 60)
            assert not any(call.done() for call in calls[:2])
            holder.rollback()
            await asyncio.wait_for(asyncio.gather(*calls), 60)

    on_a_loop(harness, scenario)


@pytest.mark.parametrize("is_written", [True, False])
def test_a_lost_answer_is_repeated_by_each_call(
    harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    original: Fetch = AsyncpgSession.fetch
    names = names_of(harness)
    lost: list[str] = []

    async def fetch(self: AsyncpgSession, sql: Sql, *parameters: object) -> Rows:
        if names.get(sql.numbered) != "APPEND_BATCH":
            return await original(self, sql, *parameters)
        if is_written:
            await original(self, sql, *parameters)
        lost.append("APPEND_BATCH")
        raise ConnectionResetError

    async def scenario(store: PostgresChatStore) -> None:
        monkeypatch.setattr(AsyncpgSession, "fetch", fetch)
        await asyncio.gather(*(append(store, key) for key in KEYS))
        assert lost
        for key in KEYS:
            assert contents(await store.async_get_messages(key)) == ["first", f"of {key}"]

    on_a_loop(harness, scenario)


def test_cancelled_calls_write_nothing_after_they_end(
    harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is cancelled while it waits, one while the statement with it is under way."""
    original: Fetch = AsyncpgSession.fetch
    names = names_of(harness)

    async def scenario(store: PostgresChatStore) -> None:
        first, gate, is_sent = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def fetch(self: AsyncpgSession, sql: Sql, *parameters: object) -> Rows:
            name = names.get(sql.numbered)
            if name == "APPEND_NEW_ONE":
                await first.wait()
            if name == "APPEND_BATCH":
                is_sent.set()
                await gate.wait()
            return await original(self, sql, *parameters)

        monkeypatch.setattr(AsyncpgSession, "fetch", fetch)
        calls = [asyncio.ensure_future(append(store, key)) for key in KEYS]
        batches = (await pooled(store).loop_pools.get()).batches
        await asyncio.sleep(0)  # each task runs until it has to wait
        assert len(batches._waiting) == len(KEYS) - 2
        calls[5].cancel()
        with pytest.raises(asyncio.CancelledError):
            await calls[5]
        first.set()
        await asyncio.wait_for(is_sent.wait(), 60)
        calls[6].cancel()
        await asyncio.sleep(0)
        assert not calls[6].done()  # it may still be written
        gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        cancelled = [n for n, one in enumerate(results) if isinstance(one, BaseException)]
        assert cancelled == [5, 6]
        counts = [await store.async_count_messages(key) for key in KEYS]
        assert counts == [2] * 5 + [1] + [2] * 6

    on_a_loop(harness, scenario)


def test_large_appends_are_divided(
    harness: PostgresHarness, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "_MAX_RECORDS", 4)

    async def scenario(store: PostgresChatStore) -> None:
        sent.clear()
        await asyncio.gather(*(append(store, key) for key in KEYS))
        assert sorted(sent) == ["APPEND_BATCH"] * 3 + ["APPEND_NEW_ONE"] * 2
        monkeypatch.setattr(batching, "_MAX_CHARACTERS", 10)  # less than one body
        sent.clear()
        await asyncio.gather(*(append(store, key, "newer") for key in KEYS))
        assert sent == ["APPEND_NEW_ONE"] * len(KEYS)
        assert [await store.async_count_messages(key) for key in KEYS] == [3] * len(KEYS)

    on_a_loop(harness, scenario)


def test_a_batch_that_began_before_a_removal_writes_nothing(harness: PostgresHarness) -> None:
    """Its client is gone; the call is repeated, and the message removed, before it goes on."""
    pause = "FROM (SELECT seen.*, pg_advisory_xact_lock(7) FROM seen OFFSET 0) seen CROSS JOIN"
    template = statements.APPEND_BATCH.replace("FROM seen CROSS JOIN", pause)
    sql = TableNames(harness.table, None).render(template).numbered
    with harness.open() as store:
        store.set_messages("k", [message("a")])
        store.set_messages("l", [message("a")])
    body = harness.execute("SELECT body FROM {t}_messages LIMIT 1")[0][0]
    values = ([b"k", b"l"], None, [b"late"] * 2, f"{body}\n{body}", [7, 8])
    with (
        psycopg.connect(harness.url) as holder,
        psycopg.connect(
            harness.url, autocommit=True, cursor_factory=psycopg.RawCursor
        ) as connection,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute("SELECT pg_advisory_xact_lock(7)")
        late = pool.submit(lambda: connection.execute(sql.encode(), values).fetchall())
        deadline = time.monotonic() + 60
        while not harness.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE %s",
            f"%{harness.table}%",
        ):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # The effect of the repetition and the removal on the row.
        harness.execute("UPDATE {t}_conversations SET next_position = 2 WHERE key = 'k'")
        holder.rollback()
        rows = late.result(60)
    assert [row[0] for row in rows] == [2]
    with harness.open() as store:
        assert [store.count_messages(key) for key in "kl"] == [1, 2]
