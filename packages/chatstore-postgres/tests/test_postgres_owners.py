"""Lists of owners' conversations are read from the end of an index, whatever the server expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from postgres_calling import Caller, message
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from chatstore.core import RevisionConflictError
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import TableNames

FEW, MANY, OTHERS, PAGE = 50, 10_000, 10_000, 50
FIRST_PAGE = {"p2": float("inf"), "p3": 2**63 - 1, "p4": PAGE + 1}


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


def fill(harness: PostgresHarness, owner: str, count: int) -> None:
    """Create conversations of one owner, or with ``#`` in its name of as many owners."""
    harness.execute(
        "INSERT INTO {t}_conversations "
        "(key, epoch, next_position, length, revision, created_at, updated_at, owner) "
        "SELECT convert_to(%s || n, 'UTF8'), 0, 0, 0, n, now(), now() + n * interval '1 ms', "
        "convert_to(replace(%s, '#', n::text), 'UTF8') FROM generate_series(1, %s) n",
        f"{owner} ",
        owner,
        count,
    )


@pytest.fixture
def filled(harness: PostgresHarness) -> Iterator[psycopg.Connection[Any]]:
    """Return a connection to tables with conversations of two owners, and of many others."""
    with harness.open() as store:
        store.setup()
    for owner, count in (("few", FEW), ("many", MANY), ("other #", OTHERS), ("zz #", OTHERS)):
        fill(harness, owner, count)
    harness.execute("ALTER TABLE {t}_conversations SET (autovacuum_enabled = false)")
    with psycopg.connect(harness.url, autocommit=True) as connection:
        yield connection


def explain(
    connection: psycopg.Connection[Any], harness: PostgresHarness, owner: str
) -> dict[str, Any]:
    sql = TableNames(harness.table, None).render(statements.OWNED).named
    row = connection.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}".encode(),
        {"p1": owner.encode(), **FIRST_PAGE},
    ).fetchone()
    assert row is not None
    top: dict[str, Any] = row[0][0]["Plan"]
    return top


def touched(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("statistics", ["none", "of few", "current"])
def test_first_page_costs_the_same_for_any_number(
    harness: PostgresHarness, filled: psycopg.Connection[Any], statistics: str
) -> None:
    """Also if the server's statistics say that each owner has one conversation."""
    if statistics == "of few":
        harness.execute("DELETE FROM {t}_conversations WHERE owner = 'many'")
    if statistics != "none":
        harness.execute("VACUUM ANALYZE {t}_conversations")
    if statistics == "of few":
        fill(harness, "many", MANY)
    plans = {owner: explain(filled, harness, owner) for owner in ("few", "many", "other 7")}
    for plan in plans.values():
        assert plan["Node Type"] == "Limit"
        [scan, *_] = [part for part in plan["Plans"] if part["Node Type"] != "Result"]
        assert scan["Node Type"] == "Index Scan"
        assert scan["Index Name"] == f"{harness.table}_owned"
        assert scan["Scan Direction"] == "Backward"
        assert "owner" in scan["Index Cond"]
    assert plans["few"]["Actual Rows"] == FEW
    assert plans["many"]["Actual Rows"] == PAGE + 1
    assert touched(plans["many"]) <= touched(plans["few"]) + 12


def test_other_owners_change_nothing(
    harness: PostgresHarness, call: Caller, filled: psycopg.Connection[Any]
) -> None:
    before = touched(explain(filled, harness, "few"))
    for number in range(5):
        fill(harness, f"more {number} #", OTHERS)
    assert touched(explain(filled, harness, "few")) <= before + 4
    with call.using(harness.open()) as store:
        page = call(store, "list_conversations", owner="few", limit=PAGE)
        assert [one.key for one in page.conversations] == [f"few {n}" for n in range(FEW, 0, -1)]


def test_many_conversations_are_paged_in_order(
    harness: PostgresHarness, call: Caller, filled: psycopg.Connection[Any]
) -> None:
    """Also if all were written at the same moment."""
    filled.execute(
        f"UPDATE {harness.table}_conversations SET updated_at = '2026-01-01 00:00:00.123457+00' "
        "WHERE owner = 'few'".encode()
    )
    with call.using(harness.open()) as store:
        for owner, count in (("few", FEW), ("many", MANY)):
            listed: list[Any] = []
            cursor = None
            while True:
                size = 7 if owner == "few" else 1000
                page = call(store, "list_conversations", owner=owner, limit=size, cursor=cursor)
                listed += page.conversations
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert len({one.key for one in listed}) == len(listed) == count
            times = [one.updated_at for one in listed]
            assert times == sorted(times, reverse=True)


def test_appends_without_an_owner_update_the_row_in_place(harness: PostgresHarness) -> None:
    """No index has to change, since the time of the last write is only indexed with an owner."""

    def updates() -> tuple[int, int]:
        harness.execute("SELECT pg_stat_force_next_flush()")
        [row] = harness.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables "
            "WHERE relname = '{t}_conversations'"
        )
        return row[0], row[1]

    table = harness.table
    with PostgresChatStore(harness.url, table_name=table, max_connections=1) as store:
        store.add_message("k", message("a"))
        for number in range(50):
            store.add_message("k", message(str(number)))
    deadline = 100
    while updates()[0] < 50 and deadline:
        deadline -= 1
    assert updates() == (50, 50)


BEGINNINGS: dict[str, tuple[Any, ...]] = {
    "add_message": (message("a"),),
    "add_messages": ([message("a"), message("b")],),
    "put_message": (message("a", id="a"),),
    "set_messages": ([message("a")],),
    "create_conversation": (),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_expired_conversation_is_forgotten_when_it_begins_again(
    harness: PostgresHarness, call: Caller, name: str
) -> None:
    with call.using(harness.open(ttl=60)) as store:
        old = call(store, "create_conversation", "k", owner="ann", title="t", metadata={"a": 1})
        harness.execute("UPDATE {t}_conversations SET expires_at = now() - interval '1 s'")
        assert call(store, "get_conversation", "k") is None
        assert call(store, "list_conversations", owner="ann").conversations == []
        with pytest.raises(RevisionConflictError) as raised:
            call(store, "add_message", "k", message("x"), expected_revision=old.revision)
        assert raised.value.current_revision is None
        call(store, name, "k", *BEGINNINGS[name])
        new = call(store, "get_conversation", "k")
        assert (new.owner, new.title, new.metadata) == (None, None, {})
        assert new.created_at > old.created_at
        assert call(store, "list_conversations", owner="ann").conversations == []
        assert harness.execute("SELECT count(*) FROM {t}_conversations WHERE owner > ''") == [(0,)]


def test_engines_of_the_caller(harness: PostgresHarness, call: Caller) -> None:
    """SQLAlchemy passes all values on to the drivers."""
    engine = create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:"))
    async_engine = create_async_engine(harness.url.replace("postgresql:", "postgresql+asyncpg:"))
    store = PostgresChatStore(client=engine, async_client=async_engine, table_name=harness.table)
    with call.using(store):
        call(store, "create_conversation", "k", owner="ann", title="%s \0", metadata={"%": 1})
        call(store, "put_message", "k", message("a", id="a"))
        call(store, "put_message", "k", message("b", id="b"))
        call(store, "fork", "k", "f", until="a")
        assert call(store, "truncate", "k", from_id="b") == 1
        made = call(store, "update_conversation", "k", title="new")
        assert call(store, "snapshot", "k").conversation == made
        page = call(store, "list_conversations", owner="ann", limit=1)
        assert [one.key for one in page.conversations] == ["k"]
        page = call(store, "list_conversations", owner="ann", cursor=page.next_cursor)
        assert [one.key for one in page.conversations] == ["f"]
    engine.dispose()
    call.run(async_engine.dispose())
