"""A sound store with a driver that can be made to fail, wait and count; broken stores vary it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from chatstore.core import ChatStore, SimpleChatStore
from chatstore.core.backend import Plan, StoredRecord
from chatstore.core.errors import ChatStoreError, CorruptStoreError, StoreUnavailableError
from chatstore.core.testing.harness import ContractHarness, Counts

T = TypeVar("T")


class FakeDriverError(Exception):
    """What the driver raises; its text quotes what was sent, as drivers do."""


class CountingList(list[StoredRecord]):
    """Records that count how many of them were looked at."""

    touched = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        self.touched += len(found) if isinstance(index, slice) else 1
        return CountingList(found) if isinstance(index, slice) else found

    def __iter__(self) -> Iterator[StoredRecord]:
        self.touched += len(self)
        return super().__iter__()


class SoundStore(SimpleChatStore):
    """Keeps every promise.

    Attributes:
        is_down: Every call ends in an error of the driver.
        pause: Seconds that each call waits.
        requests: How many calls were made.

    """

    is_down = False
    pause = 0.0
    requests = 0

    def _execute(self, plan: Plan[T]) -> T:
        if self.pause:
            time.sleep(self.pause)
        return self._now(plan)

    async def _async_execute(self, plan: Plan[T]) -> T:
        if self.pause:
            await asyncio.sleep(self.pause)
        return self._now(plan)

    def _now(self, plan: Plan[T]) -> T:
        if self.is_down:
            plan.close()
            raise FakeDriverError("content-of-a-user")
        self.requests += 1
        result = SimpleChatStore._execute(self, plan)
        for conversation in self._conversations.values():
            if not isinstance(conversation.records, CountingList):
                conversation.records = CountingList(conversation.records)
        return result

    def _translate(self, error: Exception) -> ChatStoreError | None:
        if isinstance(error, FakeDriverError):
            return StoreUnavailableError("memory: no answer from the driver")
        return None

    def _find(self, key: str) -> Plan[Any]:
        found = yield from super()._find(key)
        if found is not None and len(found.records) != len(found.ids):
            raise CorruptStoreError("memory: a conversation and its ids do not agree")
        return found


class BrokenHarness(ContractHarness):
    """Opens stores of one class, each with a database of its own."""

    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self, kind: Callable[..., Any]) -> None:
        """Take the class."""
        self.kind = kind
        self.stores: list[Any] = []

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return a store; what the suite does past stores it does to the newest one."""
        store: ChatStore = self.kind(ttl=ttl, clock=clock or time.time)
        self.stores.append(store)
        return store

    def _records(self, key: str) -> Any:
        return self.stores[-1]._conversations[key].records

    def corrupt(self, key: str, index: int) -> None:
        """Cut the record's text."""
        record = list.__getitem__(self._records(key), index)
        self._records(key)[index] = record._replace(body='{"v":1,')

    def lose(self, key: str, index: int) -> None:
        """Remove the record and keep its id."""
        del self._records(key)[index]

    def counts(self) -> Counts:
        """Count calls, and records that were looked at."""
        store = self.stores[-1]
        lists = [c.records for c in store._conversations.values()]
        return Counts(store.requests, sum(getattr(one, "touched", 0) for one in lists))

    def stored(self) -> int:
        """Count records and conversations."""
        store = self.stores[-1]
        extra: int = getattr(store, "left_behind", 0)
        kept: Sequence[Any] = list(store._conversations.values())
        return extra + len(kept) + sum(len(one.records) for one in kept)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Let the driver fail."""
        self.stores[-1].is_down = True
        yield
        self.stores[-1].is_down = False

    def unreachable(self) -> ChatStore:
        """Return a store whose driver fails."""
        kind = type("Unreachable", (self.kind,), {"is_down": True})  # type: ignore[arg-type]
        store: ChatStore = kind()
        return store

    @contextmanager
    def slow(self) -> Iterator[float]:
        """Let the driver wait."""
        self.stores[-1].pause = 0.3
        yield 0.3
        self.stores[-1].pause = 0.0


class BrokenStore(NamedTuple):
    """A broken store and the contract tests that must refuse it.

    Attributes:
        store: The class.
        tests: Names of tests; each must fail.
        mode: Parameters of the test with which it must fail, between blanks.
        reason: What the failure says, among other things.

    """

    store: type[ChatStore]
    tests: tuple[str, ...]
    mode: str = "sync"
    reason: str = ""
