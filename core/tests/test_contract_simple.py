"""The contract, kept by ``SimpleChatStore``."""

import time

import pytest

from chatstore.core import SimpleChatStore
from chatstore.core.testing import ChatStoreContract, ContractHarness


class SimpleHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def open(self, *, ttl=None, clock=None):
        self.newest = SimpleChatStore(ttl=ttl, clock=clock or time.time)
        return self.newest

    def corrupt(self, key, index):
        records = self.newest._conversations[key].records
        records[index] = records[index]._replace(body='{"v":1,')

    def stored(self):
        conversations = self.newest._conversations.values()
        return sum(1 + len(one.records) for one in conversations)


class TestSimpleChatStore(ChatStoreContract):
    @pytest.fixture
    def harness(self):
        return SimpleHarness()
