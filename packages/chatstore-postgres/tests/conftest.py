"""Fixtures of all tests: servers of the oldest and the newest version, and callers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode importlib does not add it

from postgres_calling import Caller
from postgres_faults import FaultProxy
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer, newest_binaries, older_binaries

from chatstore.postgres import PostgresChatStore


@pytest.fixture(scope="session")
def older_server() -> Iterator[PostgresServer]:
    """Return a server of the older version."""
    server = PostgresServer(older_binaries())
    yield server
    server.close()


@pytest.fixture(scope="session")
def newest_server() -> Iterator[PostgresServer]:
    """Return a server of the newest version."""
    server = PostgresServer(newest_binaries())
    yield server
    server.close()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """Return an object that calls a store's methods, in each mode."""
    caller = Caller(request.param)
    yield caller
    caller.close()


@pytest.fixture
def proxy(newest_server: PostgresServer) -> Iterator[FaultProxy]:
    """Return a proxy that loses replies; a file or class may override it, and ``harness``."""
    started = FaultProxy(newest_server.port)
    yield started
    started.close()


@pytest.fixture
def harness(newest_server: PostgresServer, proxy: FaultProxy) -> PostgresHarness:
    """Return a harness whose stores use the proxy."""
    return PostgresHarness(newest_server, proxy.url)


@pytest.fixture
def other(newest_server: PostgresServer, harness: PostgresHarness) -> Iterator[PostgresChatStore]:
    """Return a store on the same tables, without the proxy."""
    with PostgresChatStore(newest_server.url(), table_name=harness.table) as store:
        store.setup()
        yield store
