"""The servers that the tests share, started when the first of them needs one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from chatstore.redis_scripts.testing import RedisServer, redis_server

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode importlib leaves it out

from redis_cluster import redis_cluster


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """Return redis-py's client of the server, which is empty."""
    with redis.Redis(port=server.port) as client:
        client.flushall()
        yield client


@pytest.fixture
def url(server: RedisServer, client: redis.Redis) -> str:
    """Return the URL of the server, which is empty."""
    return f"redis://127.0.0.1:{server.port}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[list[RedisServer]]:
    with redis_cluster() as nodes:
        yield nodes
