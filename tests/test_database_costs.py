"""The cost of calls on SQLite, Redis, Postgres and Upstash does not depend on what is stored.

The tests of the paid services measure the same calls, see `costs`.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from costs import Cost, drivers
from scripts.workspace import ROOT

from chatstore.core.testing import Relay
from chatstore.core.testing.messages import message
from chatstore.postgres import PostgresChatStore
from chatstore.redis import RedisChatStore
from chatstore.sqlite import SQLiteChatStore
from chatstore.upstash import UpstashChatStore

OTHERS = [10, 100_000] if os.environ.get("CHATSTORE_SOAK") else [10, 500]
_TIMEOUT = 300.0  # seconds: 100,000 messages are written in one call
_MOST_STATEMENTS = 16  # of a call on SQLite, with those that begin and end transactions
_RELAYED = (
    "Requests are round trips and bytes are those of the connection, counted by a relay. "
    "Measured with {drivers}"
)
_PAGES = 8 * 4120  # bytes of pages of the log, in which indexes may be split and grow deeper
_SQLITE = (
    "A request is an SQL statement, which needs no round trip; bytes sent are those of the "
    "write-ahead log; instructions are those of SQLite's virtual machine. Measured with {drivers}."
)


def _relayed(relay: Relay, units: Callable[[], dict[str, float]] = dict) -> Any:
    """Return a function that measures a call by the traffic of a relay."""

    def cost(act: Callable[[], object]) -> Cost:
        before, units_before = relay.traffic, units()
        act()
        after, units_after = relay.traffic, units()
        spent = {name: units_after[name] - amount for name, amount in units_before.items()}
        return Cost(
            after.requests - before.requests,
            after.sent - before.sent,
            after.received - before.received,
            spent,
        )

    return cost


def test_sqlite_costs_are_flat(costs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.append(str(ROOT / "packages" / "chatstore-sqlite" / "tests"))
    from sqlite_work import Work

    work, path = Work(monkeypatch), tmp_path / "chat.db"

    def cost(act: Callable[[], object]) -> Cost:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        work.clear()
        act()
        log = path.with_name(f"{path.name}-wal").stat().st_size
        return Cost(len(work.statements), log, 0, {"instructions": work.steps})

    with SQLiteChatStore(path, durable=False) as store:
        note = _SQLITE.format(drivers=drivers("chatstore-sqlite"))
        limits = {"most_requests": _MOST_STATEMENTS, "tolerance": _PAGES}
        costs.measure("SQLite", store, cost, note=note, **limits)
        costs.measure_lists("SQLite", store, cost, others=OTHERS)


def test_redis_costs_are_flat(costs: Any, redis_server: Any) -> None:
    with Relay(redis_server.port) as relay:
        url = f"redis://127.0.0.1:{relay.port}"
        with RedisChatStore(url, namespace=uuid.uuid4().hex, timeout=_TIMEOUT) as store:
            _open(store)
            note = _RELAYED.format(drivers=drivers("chatstore-redis", "redis")) + "."
            table = costs.measure("Redis", store, _relayed(relay), note=note)
            costs.measure_lists("Redis", store, _relayed(relay), others=OTHERS)
    assert {one.requests for one in table["append"]} == {1}


def test_postgres_costs_are_flat(costs: Any, postgres_server: Any) -> None:
    name = f"test_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    url, port = str(postgres_server.url(name)), postgres_server.port
    with (
        Relay(port) as relay,
        PostgresChatStore.from_uri(url.replace(f":{port}/", f":{relay.port}/")) as store,
    ):
        _open(store)
        note = _RELAYED.format(drivers=drivers("chatstore-postgres", "psycopg")) + "."
        table = costs.measure("Postgres", store, _relayed(relay), note=note)
        costs.measure_lists("Postgres", store, _relayed(relay), others=OTHERS)
    assert {one.requests for one in table["append"]} == {1}


@pytest.fixture
def upstash(redis_server: Any) -> Iterator[Any]:
    """Return the double of Upstash's service."""
    sys.path.append(str(ROOT / "packages" / "chatstore-upstash" / "tests"))
    from upstash_double import UpstashDouble
    from upstash_resp import Connection

    connection = Connection(redis_server.port)
    # 100,000 messages are written by one script, which may take long on a busy machine.
    connection.call(b"CONFIG", b"SET", b"busy-reply-threshold", b"600000")
    connection.close()
    double = UpstashDouble(redis_server.port)
    yield double
    double.close()


def test_upstash_costs_are_flat(costs: Any, upstash: Any) -> None:
    def commands() -> dict[str, float]:
        return {"commands": sum(len(one.commands) for one in list(upstash.requests))}

    with Relay(int(upstash.url.rpartition(":")[2])) as relay:
        url = f"http://127.0.0.1:{relay.port}"
        with UpstashChatStore(
            url, upstash.token, namespace=uuid.uuid4().hex, timeout=_TIMEOUT
        ) as store:
            _open(store)
            note = _RELAYED.format(drivers=drivers("chatstore-upstash", "upstash-redis"))
            note += " against a double of the service, which charges for commands."
            cost = _relayed(relay, commands)
            table = costs.measure("Upstash", store, cost, note=note)
            costs.measure_lists("Upstash", store, cost)
    assert {one.requests for one in table["append"]} == {1}


def _open(store: Any) -> None:
    """Open a connection, and load scripts or prepare statements, which is not counted."""
    store.create_conversation("warm", owner="warm")
    for number in range(8):
        key = f"warm{number}"
        store.create_conversation(key, owner="warm")
        store.add_message(key, message("a", id="x"))
        store.put_message(key, message("a", id="y"))
        store.update_conversation(key, title="t", owner="other")
        store.get_message(key, "y")
        store.page_messages(key, before="y")
        store.snapshot(key, last=2)
        store.get_messages(key, last=2)
        store.count_messages(key)
        store.remove_message(key, "x")
        store.truncate(key, from_id="y")
        store.list_conversations(owner="warm", limit=2)
        store.add_message(key, message("a", id="z"))
        store.delete_last_message(key)
        store.delete_messages(key)
