"""``DictBackend`` keeps the contract."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from dict_backend import Database, DictBackend

from chatstore.core import ChatStore
from chatstore.core.testing import ChatStoreContract, ContractHarness


class DictHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self) -> None:
        self.db: Database = {}

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        self.db = {}
        return ChatStore(DictBackend(self.db, ttl=ttl, clock=clock or time.time))

    def corrupt(self, key: str, index: int) -> None:
        records = self.db[key].records
        record_id = list(records)[index]
        records[record_id] = records[record_id]._replace(body="{")

    def stored(self) -> int:
        return sum(1 + len(conversation.records) for conversation in self.db.values())


class TestDictBackend(ChatStoreContract):
    @pytest.fixture
    def harness(self) -> DictHarness:
        return DictHarness()
