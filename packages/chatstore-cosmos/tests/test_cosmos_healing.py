"""Connections that die are replaced, and no write is doubled."""

from __future__ import annotations

import pytest
from healing import TIMEOUT, HealingTests

from chatstore.conditional.azure_core import for_loops, for_threads
from chatstore.core.testing.relay import Relay
from chatstore.cosmos import CosmosChatStore


class TestCosmosHealing(HealingTests):
    @pytest.fixture
    def relay(self, double):
        with Relay(double.port) as relay:
            yield relay

    @pytest.fixture
    def store(self, double, relay):
        endpoint = f"http://127.0.0.1:{relay.port}/"
        return CosmosChatStore.from_account_and_key(endpoint, double.key, timeout=TIMEOUT)

    @pytest.fixture
    def recycle(self, monkeypatch):
        def set_age(seconds):
            monkeypatch.setattr(for_threads, "RECYCLE_AFTER", seconds)
            monkeypatch.setattr(for_loops, "RECYCLE_AFTER", seconds)

        return set_age
