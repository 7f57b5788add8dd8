"""Many processes change the conversations of eight owners; every list equals what exists.

A tenth of the replies is lost: by a relay in front of Redis, Postgres and moto, and in the clients
of SQLite and Redis Cluster. ``make owners`` runs 16 processes for a minute on each database.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from scripts.workspace import ROOT

from chatstore.core import ChatStore
from chatstore.core.testing import Relay
from chatstore.core.testing.owner_workload import check_lists, work
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.postgres import PostgresChatStore
from chatstore.redis import RedisChatStore
from chatstore.sqlite import SQLiteChatStore

IS_LONG = bool(os.environ.get("CHATSTORE_SOAK"))
PROCESSES = 16 if IS_LONG else 6
CALLS = 10  # of each process, unless it works for `SECONDS`
SECONDS = 60.0
PATIENCE = 600.0
_SHARE = 0.1
_MANY = 10**9
_CONTEXT = multiprocessing.get_context("spawn")

Open = Callable[[], ChatStore]


@contextmanager
def _losing(port: int) -> Iterator[Relay]:
    """Start a relay that loses every tenth reply."""
    with Relay(port) as relay:
        relay.lose_replies(_MANY, skip=9)
        yield relay


def _import(package: str) -> None:
    sys.path.append(str(ROOT / "packages" / package / "tests"))


@pytest.fixture
def sqlite(tmp_path: Path) -> tuple[Open, Open, float]:
    opener = partial(SQLiteChatStore, str(tmp_path / "chat.db"))
    return opener, opener, _SHARE


@pytest.fixture
def redis(redis_server: object) -> Iterator[tuple[Open, Open, float]]:
    port = redis_server.port  # type: ignore[attr-defined]
    namespace = uuid.uuid4().hex
    with _losing(port) as relay:
        yield (
            partial(RedisChatStore, f"redis://127.0.0.1:{relay.port}", namespace=namespace),
            partial(RedisChatStore, f"redis://127.0.0.1:{port}", namespace=namespace),
            0,
        )


@pytest.fixture
def redis_cluster() -> Iterator[tuple[Open, Open, float]]:
    _import("chatstore-redis")
    from redis_cluster import redis_cluster

    with redis_cluster() as [server, *_]:
        opener = partial(RedisChatStore, f"redis://127.0.0.1:{server.port}", cluster=True)
        yield opener, opener, _SHARE


@pytest.fixture
def postgres(postgres_server: object) -> Iterator[tuple[Open, Open, float]]:
    name = f"test_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name}")  # type: ignore[attr-defined]
    url = postgres_server.url(name)  # type: ignore[attr-defined]
    port = postgres_server.port  # type: ignore[attr-defined]
    with _losing(port) as relay:
        through = url.replace(f":{port}/", f":{relay.port}/")
        assert through != url
        yield (
            partial(PostgresChatStore.from_uri, through),
            partial(PostgresChatStore.from_uri, url),
            0,
        )


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Open, Open, float]]:
    _import("chatstore-dynamodb")
    from dynamodb_server import KEYS, REGION, DynamoDBServer

    for name, value in {**KEYS, "aws_default_region": REGION, "no_proxy": "*"}.items():
        monkeypatch.setenv(name.upper(), value)
    server = DynamoDBServer()
    try:
        table = server.new_table()
        with _losing(int(server.url.rpartition(":")[2])) as relay:
            url = f"http://127.0.0.1:{relay.port}"
            yield (
                partial(DynamoDBChatStore, table, endpoint_url=url),
                partial(DynamoDBChatStore, table, endpoint_url=server.url),
                0,
            )
    finally:
        server.close()


@pytest.mark.parametrize("name", ["sqlite", "redis", "redis_cluster", "postgres", "dynamodb"])
def test_owners_lists_equal_what_exists(
    name: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    opener, direct, share = request.getfixturevalue(name)
    with direct() as store:
        store.count_messages("k")  # the tables exist
        options = {"seconds": SECONDS} if IS_LONG else {"calls": CALLS}
        processes = [
            _CONTEXT.Process(
                target=work,
                args=(opener, number),
                kwargs={**options, "share": share},
                daemon=True,
            )
            for number in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(PATIENCE)
        codes = [process.exitcode for process in processes]
        for process in processes:
            process.kill()
        assert codes == [0] * PROCESSES
        count = check_lists(store)
    assert count > 0
    if IS_LONG:
        with capsys.disabled():
            print(f"\n{name}: {PROCESSES} processes for {SECONDS:.0f} s left {count} conversations")
