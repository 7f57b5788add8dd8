"""Two servers for all tests, the oldest and the newest version, and what else they share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from postgres_calling import Caller
from postgres_servers import PostgresServer, newest_binaries, older_binaries


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
    """Return what calls a store's methods, in each mode."""
    caller = Caller(request.param)
    yield caller
    caller.close()
