"""The servers that the tests share, started when the first of them needs one."""

import sys
from pathlib import Path

import pytest
import redis

from chatstore.redis_scripts.testing import redis_server

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from redis_cluster import redis_cluster


@pytest.fixture(scope="session")
def server():
    with redis_server() as running:
        yield running


@pytest.fixture
def client(server):
    """Return redis-py's client of the server, which is empty."""
    with redis.Redis(port=server.port) as client:
        client.flushall()
        yield client


@pytest.fixture
def url(server, client):
    """Return the address of the server, which is empty."""
    return f"redis://127.0.0.1:{server.port}"


@pytest.fixture(scope="session")
def cluster():
    with redis_cluster() as nodes:
        yield nodes
