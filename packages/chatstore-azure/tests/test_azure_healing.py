"""Connections that die are replaced, and no write is doubled."""

from __future__ import annotations

import uuid

import pytest
from azurite_server import ACCOUNT, KEY
from healing import TIMEOUT, HealingTests

from chatstore.azure import AzureChatStore
from chatstore.conditional.azure_core import for_loops, for_threads
from chatstore.core.testing.relay import Relay


class TestAzureHealing(HealingTests):
    @pytest.fixture
    def relay(self, azurite):
        with Relay(azurite.port) as relay:
            yield relay

    @pytest.fixture
    def store(self, relay):
        return AzureChatStore.from_account_and_key(
            ACCOUNT,
            KEY,
            f"Chat{uuid.uuid4().hex}",
            endpoint=f"http://127.0.0.1:{relay.port}/{ACCOUNT}",
            timeout=TIMEOUT,
        )

    @pytest.fixture
    def recycle(self, monkeypatch):
        def set_age(seconds):
            monkeypatch.setattr(for_threads, "RECYCLE_AFTER", seconds)
            monkeypatch.setattr(for_loops, "RECYCLE_AFTER", seconds)

        return set_age
