"""The contract, on the algorithm over a database in memory."""

import time

import pytest

from chatstore.core.testing import Backend, ChatStoreContract
from chatstore.records import Limits, texts
from chatstore.records.head import load
from chatstore.records.reading import place_at
from chatstore.records.testing import MemoryChatStore, MemoryDatabase


class MemoryBackend(Backend):
    own_clock = True
    shared_between_processes = False

    def __init__(self, limits):
        self.database = MemoryDatabase(limits)

    def open(self, *, ttl=None, clock=None):
        return MemoryChatStore(self.database, ttl=ttl, clock=clock or time.time)

    def corrupt(self, key, index):
        place = place_at(load(self.database.heads[key][0]), index)
        self.database.records[key][texts.record_id(*place)] = '1|{"v":1,'


class TestRecords(ChatStoreContract):
    @pytest.fixture
    def backend(self):
        return MemoryBackend(Limits(100, 400_000, 100_000))


class TestRecordsOfTinyCommits(ChatStoreContract):
    """Nearly everything is staged and in parts."""

    @pytest.fixture
    def backend(self):
        return MemoryBackend(Limits(5, 4_000, 1_500))
