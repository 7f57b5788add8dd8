"""A redis-server for all tests, and Upstash's REST API in front of it for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode importlib leaves it out

from upstash_double import UpstashDouble
from upstash_resp import Connection

from chatstore.redis_scripts.testing import redis_server


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    """Return the port of a redis-server that ends with this session."""
    with redis_server() as server:
        yield server.port


@pytest.fixture
def redis(redis_port: int) -> Iterator[Connection]:
    """Return a connection to the server, which is empty."""
    connection = Connection(redis_port)
    connection.call(b"FLUSHALL")
    yield connection
    connection.close()


@pytest.fixture
def double(redis: Connection, redis_port: int) -> Iterator[UpstashDouble]:
    """Return the REST API of the server, which is empty."""
    double = UpstashDouble(redis_port)
    yield double
    double.close()
