"""The contract for the algorithm over a database in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from chatstore.conditional import HeadWrite, Limits
from chatstore.conditional.head_json import load_head
from chatstore.conditional.lookup import at_index
from chatstore.conditional.names import record_id
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.conditional.testing.memory import Sleep
from chatstore.core import ChatStore
from chatstore.core.backend import Plan, run
from chatstore.core.testing import ChatStoreContract, ContractHarness, MixedContract
from chatstore.core.testing.harness import Counts

SLEEP: Sleep = time.sleep


class CountingDatabase(MemoryDatabase):
    """Counts requests, and the characters that they read and write."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.counts = Counts(0, 0)

    def _add(self, bodies: Iterable[str]) -> None:
        self.counts = Counts(self.counts.requests + 1, self.counts.work + sum(map(len, bodies)))

    def read_head(self, key: str) -> Plan[Any, tuple[str, str] | None]:
        stored = yield from super().read_head(key)
        self._add([] if stored is None else [stored[0]])
        return stored

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Any, dict[str, str]]:
        records = yield from super().read_records(key, ids)
        self._add(records.values())
        return records

    def commit(self, key: str, write: HeadWrite) -> Plan[Any, str | None]:
        self._add([write.head, *write.puts.values()])
        return super().commit(key, write)

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Any, None]:
        self._add(puts.values())
        return super().stage(key, puts)

    def discard(self, key: str, ids: Sequence[str]) -> Plan[Any, None]:
        self._add(ids)
        return super().discard(key, ids)


class MemoryHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False
    orders_lists_exactly = False

    def __init__(self, limits: Limits) -> None:
        self.database = CountingDatabase(limits)

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> MemoryChatStore:
        return MemoryChatStore(self.database, ttl=ttl, clock=clock or time.time)

    def corrupt(self, key: str, index: int) -> None:
        self.database.records[key][self._record(key, index)] = '1|{"v":1,'

    def lose(self, key: str, index: int) -> None:
        del self.database.records[key][self._record(key, index)]

    def counts(self) -> Counts:
        return self.database.counts

    def stored(self) -> int:
        return sum(len(records) for records in self.database.records.values())

    def reclaim(self, store: ChatStore) -> None:
        store.purge_expired()

    def _record(self, key: str, index: int) -> str:
        """Return the id of the record at an index."""
        head = load_head(self.database.heads[key][0])
        result = run(at_index(self.database, key, head, index), SLEEP)
        return record_id(head.stream, result.location.number)


class TestConditional(ChatStoreContract):
    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness(Limits(100, 400_000, 100_000))


# How commits are divided does not depend on the mode; the long run also tests each mode alone.
if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    TinyContract = ChatStoreContract
else:
    TinyContract = MixedContract


class TestConditionalWithTinyCommits(TinyContract):
    """Nearly all messages are staged and divided."""

    share_of_examples = 5  # as in the long run

    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness(Limits(20, 4_000, 1_500))
