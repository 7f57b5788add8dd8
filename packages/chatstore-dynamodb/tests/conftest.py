"""A server without faults for each test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from dynamodb_server import KEYS, REGION, DynamoDBServer


@pytest.fixture
def server(dynamodb_server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch) -> DynamoDBServer:
    """Return a server without faults, and credentials in the environment, also of children."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    dynamodb_server.set_fault()
    dynamodb_server.log()
    return dynamodb_server
