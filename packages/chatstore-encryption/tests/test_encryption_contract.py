"""Encrypted stores keep the contract."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from encrypted_stores import encrypted, hashed, tenant

from chatstore.core import ChatStore
from chatstore.core.backend import Backend
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing import ContractHarness

if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    from chatstore.core.testing import ChatStoreContract as Contract
else:  # a layer's plans are the same in all modes
    from chatstore.core.testing import MixedContract as Contract


class EncryptedHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self, layer: Callable[[Backend[Any]], Backend[Any]], max_name_bytes: int) -> None:
        self.layer = layer
        self.max_name_bytes = max_name_bytes
        self.newest = MemoryBackend()

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        self.newest = MemoryBackend(ttl=ttl, clock=clock or time.time)
        return ChatStore(self.layer(self.newest))

    def corrupt(self, key: str, index: int) -> None:
        """Damage the only conversation, whose key may be hashed."""
        [conversation] = self.newest.conversations.by_key.values()
        records = conversation.records
        records[index] = records[index]._replace(body='{"v":"sealed-1","key":')

    def stored(self) -> int:
        by_key = self.newest.conversations.by_key
        return sum(1 + len(one.records) for one in by_key.values())


class TestEncryption(Contract):
    share_of_examples = 5  # as in the long run

    @pytest.fixture(
        params=[(encrypted, 255), (hashed, 255), (tenant, 248)], ids=lambda p: p[0].__name__
    )
    def harness(self, request: pytest.FixtureRequest) -> EncryptedHarness:
        return EncryptedHarness(*request.param)
