"""The servers that the tests share, started when the first of them needs one."""

import sys
from pathlib import Path

import pytest

from chatstore.lua.testing import redis_server

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from redis_cluster import redis_cluster


@pytest.fixture(scope="session")
def server():
    with redis_server() as running:
        yield running


@pytest.fixture(scope="session")
def cluster():
    with redis_cluster() as nodes:
        yield nodes
