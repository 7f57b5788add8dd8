"""One server for all tests of a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from dynamodb_server import KEYS, REGION, DynamoDBServer


@pytest.fixture(scope="session")
def running_server() -> Iterator[DynamoDBServer]:
    server = DynamoDBServer()
    yield server
    server.close()


@pytest.fixture
def server(running_server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch) -> DynamoDBServer:
    """Return a server without faults, and credentials in the environment, also of children."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    running_server.set_fault()
    running_server.log()
    return running_server
