"""The healing contract, over REST."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from upstash_double import UpstashDouble

from chatstore.core.testing.healing import HealingContract, RelayedHarness
from chatstore.core.testing.relay import Relay
from chatstore.upstash import UpstashChatStore


class RelayedUpstash(RelayedHarness):
    def __init__(self, double: UpstashDouble, relay: Relay) -> None:
        self._double = double
        self.relay = relay

    def open(self, *, timeout: float) -> UpstashChatStore:
        url = f"http://127.0.0.1:{self.relay.port}"
        return UpstashChatStore(url, self._double.token, timeout=timeout, patience=1)

    def open_direct(self) -> UpstashChatStore:
        return UpstashChatStore(self._double.url, self._double.token)


class TestUpstashHeals(HealingContract):
    @pytest.fixture
    def relayed(self, double: UpstashDouble) -> Iterator[RelayedUpstash]:
        with Relay(double.port) as relay:
            yield RelayedUpstash(double, relay)
