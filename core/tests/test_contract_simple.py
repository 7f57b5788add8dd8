"""``SimpleChatStore`` keeps the contract."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from chatstore.core import ChatStore
from chatstore.core.simple import Conversation, MemoryBackend, SimpleChatStore
from chatstore.core.testing import ChatStoreContract, ContractHarness


class SimpleHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self) -> None:
        self.newest = SimpleChatStore()

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        self.newest = SimpleChatStore(ttl=ttl, clock=clock or time.time)
        return self.newest

    def corrupt(self, key: str, index: int) -> None:
        records = self.by_key[key].records
        records[index] = records[index]._replace(body='{"v":1,')

    def stored(self) -> int:
        return sum(1 + len(one.records) for one in self.by_key.values())

    @property
    def by_key(self) -> dict[str, Conversation]:
        """The conversations of the newest store."""
        backend = self.newest.backend
        assert isinstance(backend, MemoryBackend)
        return backend.conversations.by_key


class TestSimpleChatStore(ChatStoreContract):
    @pytest.fixture
    def harness(self) -> SimpleHarness:
        return SimpleHarness()
