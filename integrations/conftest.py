"""Tests of integrations use no network but this machine; some use a server of DynamoDB."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_DYNAMODB = Path(__file__).parents[1] / "packages" / "chatstore-dynamodb" / "tests"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_here(self, address: Any) -> Any:
        assert not isinstance(address, tuple) or address[0] in {"127.0.0.1", "::1", "localhost"}
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture
def new_dynamodb_store() -> Iterator[Callable[[], Any]]:
    """Return a function that opens a store on a new table of DynamoDB."""
    sys.path.append(str(_DYNAMODB))
    from dynamodb_server import KEYS, REGION, DynamoDBServer

    from chatstore.dynamodb import DynamoDBChatStore

    server = DynamoDBServer()
    yield lambda: DynamoDBChatStore(
        server.new_table(), region_name=REGION, endpoint_url=server.url, **KEYS
    )
    server.close()
