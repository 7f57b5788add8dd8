"""Connections that die are replaced, and no write is doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from dynamodb_server import DynamoDBServer
from healing import HealingTests

from chatstore.core.testing.relay import Relay
from chatstore.dynamodb import DynamoDBChatStore, clients


class TestDynamoDBHealing(HealingTests):
    @pytest.fixture
    def relay(self, server: DynamoDBServer) -> Iterator[Relay]:
        with Relay(urlsplit(server.url).port or 0) as relay:
            yield relay

    @pytest.fixture
    def store(self, server: DynamoDBServer, relay: Relay, timeout: float) -> DynamoDBChatStore:
        endpoint = f"http://127.0.0.1:{relay.port}"
        return DynamoDBChatStore(server.new_table(), endpoint_url=endpoint, timeout=timeout)

    @pytest.fixture
    def recycle(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        return lambda seconds: monkeypatch.setattr(clients, "RECYCLE_AFTER", seconds)
