"""What all tests share: how long Hypothesis looks, and stores of every common kind."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path

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


def pytest_addoption(parser):
    """Let costs be written down."""
    parser.addoption("--costs", type=Path, help="the page that what calls cost is written to")


@pytest.fixture(scope="session")
def costs(request):
    """Return what gathers the costs of calls, and writes them where that is asked for."""
    from costs import Costs

    gathered = Costs()
    yield gathered
    path = request.config.getoption("--costs")
    if path is not None:
        gathered.write(path)


@pytest.fixture(scope="session")
def redis_server():
    """Start a server for all tests of a process."""
    from chatstore.redis_scripts import testing

    with testing.redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server():
    """Start a server for all tests of a process."""
    sys.path.append(str(_PACKAGES / "chatstore-postgres" / "tests"))
    from postgres_servers import PostgresServer, newest_binaries

    server = PostgresServer(newest_binaries())
    yield server
    server.close()


@pytest.fixture
def store_url(tmp_path):
    """Return the URL of an empty store."""
    return f"sqlite:///{tmp_path}/chat.db"


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def each_store_url(request, tmp_path):
    """Return the URL of an empty store, of each common kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    server = request.getfixturevalue(f"{request.param}_server")
    name = f"test_{uuid.uuid4().hex}"
    if request.param == "redis":
        return f"redis://127.0.0.1:{server.port}/0?namespace={name}"
    server.execute(f"CREATE DATABASE {name}")
    return server.url(name)
