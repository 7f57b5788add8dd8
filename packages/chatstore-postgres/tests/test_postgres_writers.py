"""Many writers at once, expired conversations, and sets of ten thousand messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from postgres_calling import contents, message
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer

from chatstore.core import ChatStore
from chatstore.core.backend.options import MAX_SECONDS, MIN_TTL
from chatstore.core.testing.alone import alone
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.drivers.psycopg import PsycopgSession
from chatstore.postgres.sql.rendering import Rows, Sql


@pytest.fixture
def harness(older_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(older_server)


def check(store: ChatStore, keys: dict[str, Sequence[int]]) -> None:
    for key, workers in keys.items():
        result = contents(store.get_messages(key))
        assert len(result) == store.count_messages(key) == 10 * len(workers)
        for worker in workers:
            mine = [text for text in result if text.startswith(f"{worker}.")]
            assert mine == [f"{worker}.{number}" for number in range(10)]


@pytest.mark.parametrize("keys", [{"k": range(64)}, {f"k{n}": [n] for n in range(64)}])
def test_sixty_four_writing_tasks(harness: PostgresHarness, keys: dict[str, Sequence[int]]) -> None:
    async def append(store: ChatStore, key: str, worker: int) -> None:
        for number in range(10):
            await store.async_add_message(key, message(f"{worker}.{number}"))

    async def scenario() -> None:
        async with harness.open() as store:
            pairs = [(key, worker) for key, workers in keys.items() for worker in workers]
            await asyncio.gather(*(append(alone(store), *pair) for pair in pairs))

    asyncio.run(scenario())
    with harness.open() as store:
        check(store, keys)


@pytest.mark.parametrize("keys", [{"k": range(64)}, {f"k{n}": [n] for n in range(64)}])
def test_sixty_four_writing_threads(
    harness: PostgresHarness, keys: dict[str, Sequence[int]]
) -> None:
    def append(pair: tuple[str, int]) -> None:
        key, worker = pair
        for number in range(10):
            alone(store).add_message(key, message(f"{worker}.{number}"))

    with harness.open() as store, ThreadPoolExecutor(64) as pool:
        list(pool.map(append, [(key, worker) for key, ws in keys.items() for worker in ws]))
        check(store, keys)


def test_readers_see_appends_in_the_order_of_commits(harness: PostgresHarness) -> None:
    """Messages that a reader has seen stay before all later ones."""
    seen: list[list[str]] = []

    async def append(store: ChatStore, worker: int) -> None:
        for number in range(15):
            await store.async_add_message("k", message(f"{worker}.{number}"))

    async def scenario() -> list[str]:
        async with harness.open() as store:
            writers = asyncio.gather(*(append(alone(store), worker) for worker in range(16)))
            while not writers.done():
                seen.append(contents(await store.async_get_messages("k")))
            await writers
            return contents(await store.async_get_messages("k"))

    final = asyncio.run(scenario())
    assert len(final) == 240
    assert len(seen) > 3
    assert all(final[: len(state)] == state for state in seen)


def test_each_call_is_one_statement(
    harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Sql] = []
    original = PsycopgSession.fetch

    def fetch(self: PsycopgSession, sql: Sql, *values: object) -> Rows:
        sent.append(sql)
        return original(self, sql, *values)

    with PostgresChatStore.from_uri(harness.url, table_name=harness.table, ttl=60) as store:
        store.setup()
        monkeypatch.setattr(PsycopgSession, "fetch", fetch)
        for name, *args in (
            ("add_message", "k", message("a")),
            ("add_message", "k", message("b")),
            ("add_messages", "k", [message("c"), message("d")]),
            ("add_message", "k", message("e"), 1),
            ("get_messages", "k"),
            ("count_messages", "k"),
            ("delete_last_message", "k"),
            ("delete_message", "k", 0),
            ("set_messages", "k", [message(str(n)) for n in range(10_000)]),
            ("delete_messages", "k"),
        ):
            sent.clear()
            getattr(store, name)(*args)
            assert len(sent) == 1, name


@pytest.mark.parametrize("characters", [16 * 2**20, 100_000])
def test_ten_thousand_messages_replace_each_other(
    harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch, characters: int
) -> None:
    monkeypatch.setattr("chatstore.postgres.values.CHUNK_CHARACTERS", characters)
    sets = [[message(f"{name}{n}", id=str(n)) for n in range(10_000)] for name in "ab"]

    def replace(store: ChatStore) -> None:
        for one in sets[::-1]:
            store.set_messages("k", one)

    with harness.open() as store, ThreadPoolExecutor(2) as pool:
        store.set_messages("k", sets[0])
        writing = pool.submit(replace, store)
        seen = set()
        while not writing.done():
            result = store.get_messages("k")
            assert len(result) == 10_000
            names = {text[0] for text in contents(result)}
            assert len(names) == 1
            seen |= names
        writing.result()
        store.add_messages("k", [message(f"c{n}") for n in range(3000)])
        result = store.get_messages("k")
        assert result[:10_000] == sets[0]
        assert contents(result[10_000:]) == [f"c{n}" for n in range(3000)]
    assert harness.execute("SELECT count(*) FROM {t}_messages") == [(13_000,)]


def test_existing_ids_of_an_append_in_several_statements(
    harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatstore.postgres.values.CHUNK_CHARACTERS", 1000)
    messages = [message(str(n), id=str(n)) for n in range(50)]
    with harness.open() as store:
        store.add_messages("k", messages[20:30])
        store.add_messages("k", messages)
        store.add_messages("k", messages)
        expected = [*range(20, 30), *range(20), *range(30, 50)]
        assert contents(store.get_messages("k")) == [str(n) for n in expected]


def test_purge_reclaims_only_what_expired(harness: PostgresHarness) -> None:
    with PostgresChatStore.from_uri(harness.url, table_name=harness.table, ttl=60) as store:
        store.set_messages("old", [message(str(n)) for n in range(12_000)])
        store.add_message("older", message("x"))
        store.delete_message("older", 0)
        store.add_message("new", message("x"))
        harness.execute(
            "UPDATE {t}_conversations SET expires_at = now() - interval '1 s' WHERE key = 'old'"
        )
        harness.execute("UPDATE {t}_requests SET expires_at = now() - interval '1 s'")
        assert store.get_keys() == ["new"]
        asyncio.run(store.async_purge_expired())
        assert store.get_keys() == ["new"]
    for table, left in (("messages", 1), ("conversations", 1), ("requests", 0)):
        assert harness.execute(f"SELECT count(*) FROM {{t}}_{table}") == [(left,)]


def test_writes_reclaim_a_bounded_part(harness: PostgresHarness) -> None:
    with PostgresChatStore.from_uri(harness.url, table_name=harness.table, ttl=60) as store:
        store.set_messages("k", [message(str(n)) for n in range(500)])
        harness.execute("UPDATE {t}_conversations SET expires_at = now() - interval '1 s'")
        for left in (301, 102, 3):
            store.add_message("k", message("again"))
            assert harness.execute("SELECT count(*) FROM {t}_messages") == [(left,)]
        assert store.count_messages("k") == 3
    assert harness.execute("SELECT count(*) FROM {t}_conversations") == [(1,)]


def test_store_without_ttl_keeps_conversations(harness: PostgresHarness) -> None:
    with harness.open() as store:
        with PostgresChatStore.from_uri(harness.url, table_name=harness.table, ttl=1) as brief:
            brief.add_message("k", message("a"))
        store.add_message("k", message("b"))
        time.sleep(1.1)
        assert contents(store.get_messages("k")) == ["a", "b"]


@pytest.mark.parametrize("ttl", [MIN_TTL, MAX_SECONDS])
def test_extreme_ttl(harness: PostgresHarness, ttl: float) -> None:
    with PostgresChatStore.from_uri(harness.url, table_name=harness.table, ttl=ttl) as store:
        store.add_message("k", message("a"))
        time.sleep(2 * MIN_TTL)
        assert store.count_messages("k") == (ttl > 1)


def test_limits_of_pages(harness: PostgresHarness) -> None:
    with harness.open() as store:
        store.set_messages("k", [message(str(n)) for n in range(5)])
        assert contents(store.get_messages("k", last=2**62)) == list("01234")
        assert store.delete_message("k", 2**62) is None
        assert store.delete_message("k", -(2**62)) is None
        store.add_message("k", message("first"), -(2**62))
        store.add_message("k", message("last"), 2**62)
        assert contents(store.get_messages("k")) == ["first", *"01234", "last"]
