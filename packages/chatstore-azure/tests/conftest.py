"""One Azurite for all tests of a process, and a proxy in front of it for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's mode `importlib` does not add it

from azurite_server import Azurite
from tables_proxy import TablesProxy


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    server = Azurite()
    yield server
    server.close()


@pytest.fixture
def storage(azurite: Azurite) -> Iterator[TablesProxy]:
    """Start a proxy that behaves like Table Storage."""
    proxy = TablesProxy(azurite.port)
    yield proxy
    proxy.close()


@pytest.fixture
def table_api(azurite: Azurite) -> Iterator[TablesProxy]:
    """Start a proxy that behaves like the Table API of Cosmos DB."""
    proxy = TablesProxy(azurite.port, table_api=True)
    yield proxy
    proxy.close()


@pytest.fixture(params=["storage", "table_api"])
def service(request: pytest.FixtureRequest) -> TablesProxy:
    """Run the test with each of the two."""
    proxy: TablesProxy = request.getfixturevalue(request.param)
    return proxy
