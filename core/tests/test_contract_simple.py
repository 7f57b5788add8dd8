"""``SimpleChatStore`` keeps the contract."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from chatstore.core import ChatStore
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing import ChatStoreContract, ContractHarness


class SimpleHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self) -> None:
        self.newest = MemoryBackend()

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        self.newest = MemoryBackend(ttl=ttl, clock=clock or time.time)
        return ChatStore(self.newest)

    def corrupt(self, key: str, index: int) -> None:
        records = self.newest.conversations.by_key[key].records
        records[index] = records[index]._replace(body='{"v":1,')

    def stored(self) -> int:
        conversations = self.newest.conversations.by_key.values()
        return sum(1 + len(one.records) for one in conversations)


class TestSimpleChatStore(ChatStoreContract):
    @pytest.fixture
    def harness(self) -> SimpleHarness:
        return SimpleHarness()
