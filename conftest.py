"""Shared by all tests: the settings of Hypothesis, servers, and URLs of empty stores."""

from __future__ import annotations

import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("test", deadline=None)
settings.register_profile(
    "soak", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("soak" if os.environ.get("CHATSTORE_SOAK") else "test")

_ROOT = Path(__file__).parent
_PACKAGES = _ROOT / "packages"
sys.path.append(str(_ROOT / "tests"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--costs``."""
    parser.addoption("--costs", type=Path, help="write the costs of calls to this file")


# Files that take minutes, by their names.
_LONG = re.compile(
    r"test_(broken_stores|wheels|demo|docs|benchmarks|owner_processes|from_)|contract|healing|faults"
    r"|soak|kills|simulation|costs|processes|writers"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let long files begin first, so that all workers of pytest-xdist end together."""
    items.sort(key=lambda item: _LONG.search(item.path.name) is None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run tests with the mark ``short_timeout`` again if they fail while the machine stalls."""
    mark = item.get_closest_marker("short_timeout")
    if mark is None:
        return None
    from short_timeouts import run_again_after_stalls

    return run_again_after_stalls(item, nextitem, *mark.args)


@pytest.fixture(scope="session", autouse=True)
def _long_timeouts() -> None:
    """Let stores wait for a minute where a test names no timeout."""
    from long_timeouts import lengthen_timeouts

    lengthen_timeouts()


@pytest.fixture(scope="session")
def costs(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Collect the costs of calls; at the end, write them to the file that ``--costs`` names."""
    from costs import Costs

    collected = Costs()
    yield collected
    path = request.config.getoption("--costs")
    if path is not None:
        collected.write(path)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Any]:
    """Start a Redis server for all tests of a process."""
    from chatstore.redis_scripts import testing

    with testing.redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """Start a Postgres server for all tests of a process."""
    sys.path.append(str(_PACKAGES / "chatstore-postgres" / "tests"))
    from postgres_servers import PostgresServer, newest_binaries

    server = PostgresServer(newest_binaries())
    yield server
    server.close()


@pytest.fixture(scope="session")
def dynamodb_server() -> Iterator[Any]:
    """Start an emulator of DynamoDB for all tests of a process."""
    sys.path.append(str(_PACKAGES / "chatstore-dynamodb" / "tests"))
    from dynamodb_server import DynamoDBServer

    server = DynamoDBServer()
    yield server
    server.close()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """Return the URL of an empty store."""
    return f"sqlite:///{tmp_path}/chat.db"


@pytest.fixture
def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return a function that returns the URL of an empty store on the named database."""

    def return_url(database: str) -> str:
        if database == "sqlite":
            return f"sqlite:///{tmp_path}/chat.db"
        server = request.getfixturevalue(f"{database}_server")
        name = f"test_{uuid.uuid4().hex}"
        if database == "redis":
            return f"redis://127.0.0.1:{server.port}/0?namespace={name}"
        server.execute(f"CREATE DATABASE {name}")
        return str(server.url(name))

    return return_url


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def each_store_url(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    """Return the URL of an empty store on SQLite, Redis and Postgres."""
    return url_of(request.param)
