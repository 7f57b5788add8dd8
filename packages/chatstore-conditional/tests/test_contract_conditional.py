"""The contract, on the algorithm over a database in memory."""

import time

import pytest

from chatstore.conditional import Limits
from chatstore.conditional.head import load
from chatstore.conditional.names import record_id
from chatstore.conditional.reading import path_to
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core.backend import run
from chatstore.core.testing import ChatStoreContract, ContractHarness


class MemoryHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False

    def __init__(self, limits):
        self.database = MemoryDatabase(limits)

    def open(self, *, ttl=None, clock=None):
        return MemoryChatStore(self.database, ttl=ttl, clock=clock or time.time)

    def corrupt(self, key, index):
        head = load(self.database.heads[key][0])
        place, _ = run(path_to(self.database, key, head, index), None)
        self.database.records[key][record_id(head.stream, place.number)] = '1|{"v":1,'


class TestRecords(ChatStoreContract):
    @pytest.fixture
    def harness(self):
        return MemoryHarness(Limits(100, 400_000, 100_000))


class TestRecordsOfTinyCommits(ChatStoreContract):
    """Nearly everything is staged and in parts."""

    @pytest.fixture
    def harness(self):
        return MemoryHarness(Limits(20, 4_000, 1_500))
