"""The contract for the algorithm over a database in memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from chatstore.conditional import Limits
from chatstore.conditional.head_json import load_head
from chatstore.conditional.lookup import at_index
from chatstore.conditional.names import record_id
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.conditional.testing.memory import Sleep
from chatstore.core.backend import run
from chatstore.core.testing import ChatStoreContract, ContractHarness

SLEEP: Sleep = time.sleep


class MemoryHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False

    def __init__(self, limits: Limits) -> None:
        self.database = MemoryDatabase(limits)

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> MemoryChatStore:
        return MemoryChatStore(self.database, ttl=ttl, clock=clock or time.time)

    def corrupt(self, key: str, index: int) -> None:
        head = load_head(self.database.heads[key][0])
        location, _ = run(at_index(self.database, key, head, index), SLEEP)
        self.database.records[key][record_id(head.stream, location.number)] = '1|{"v":1,'


class TestConditional(ChatStoreContract):
    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness(Limits(100, 400_000, 100_000))


class TestConditionalWithTinyCommits(ChatStoreContract):
    """Nearly all messages are staged and divided."""

    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness(Limits(20, 4_000, 1_500))
