"""Connections that die are replaced, and no write is doubled."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from azurite_server import ACCOUNT, KEY, Azurite
from healing import HealingTests

from chatstore.azure import AzureChatStore
from chatstore.azure_core import async_transport, transport
from chatstore.core.testing.relay import Relay


class TestAzureHealing(HealingTests):
    @pytest.fixture
    def relay(self, azurite: Azurite) -> Iterator[Relay]:
        with Relay(azurite.port) as relay:
            yield relay

    @pytest.fixture
    def store(self, relay: Relay, timeout: float) -> AzureChatStore:
        return AzureChatStore.from_account_and_key(
            ACCOUNT,
            KEY,
            f"Chat{uuid.uuid4().hex}",
            endpoint=f"http://127.0.0.1:{relay.port}/{ACCOUNT}",
            timeout=timeout,
        )

    @pytest.fixture
    def recycle(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        def set_age(seconds: float) -> None:
            monkeypatch.setattr(transport, "RECYCLE_AFTER", seconds)
            monkeypatch.setattr(async_transport, "RECYCLE_AFTER", seconds)

        return set_age
