"""Connections that die are replaced, and no write is doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cosmos_double import CosmosDouble
from healing import HealingTests

from chatstore.azure_core import async_transport, transport
from chatstore.core.testing.relay import Relay
from chatstore.cosmos import CosmosChatStore


class TestCosmosHealing(HealingTests):
    @pytest.fixture
    def relay(self, double: CosmosDouble) -> Iterator[Relay]:
        with Relay(double.port) as relay:
            yield relay

    @pytest.fixture
    def store(self, double: CosmosDouble, relay: Relay, timeout: float) -> CosmosChatStore:
        endpoint = f"http://127.0.0.1:{relay.port}/"
        return CosmosChatStore.from_account_and_key(endpoint, double.key, timeout=timeout)

    @pytest.fixture
    def recycle(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        def set_age(seconds: float) -> None:
            monkeypatch.setattr(transport, "RECYCLE_AFTER", seconds)
            monkeypatch.setattr(async_transport, "RECYCLE_AFTER", seconds)

        return set_age
