"""A correct backend whose driver can fail, wait and count, and the base class of broken ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from chatstore.core import ChatStore
from chatstore.core.backend import Delete, Plan, StoredRecord, WrapperBackend, async_run, run
from chatstore.core.errors import (
    ChatStoreError,
    CorruptStoreError,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.core.simple import Conversation, Conversations, MemoryBackend
from chatstore.core.testing.harness import ContractHarness, Counts

T = TypeVar("T")


class FakeDriverError(Exception):
    """A driver's error. Like those of real drivers, its text quotes the request."""


class CountingList(list[StoredRecord]):
    """Records that count how many of them were read."""

    touched = 0

    def __getitem__(self, index: Any) -> Any:
        result = super().__getitem__(index)
        self.touched += len(result) if isinstance(index, slice) else 1
        return CountingList(result) if isinstance(index, slice) else result

    def __iter__(self) -> Iterator[StoredRecord]:
        self.touched += len(self)
        return super().__iter__()


class CheckedConversations(Conversations):
    """Conversations that raise an error if a record is missing."""

    def find(self, key: str) -> Conversation | None:
        conversation = super().find(key)
        if conversation is not None and len(conversation.records) != len(conversation.ids):
            raise CorruptStoreError("memory: the ids and the records of a conversation differ")
        return conversation


class CorrectBackend(MemoryBackend):
    """Keeps every promise.

    Attributes:
        is_down: Whether the driver raises an error in every call.
        is_read_only: Whether the user may not delete; other writes need no test.
        pause: The seconds that each call waits.
        requests: The number of calls.
        left_behind: The number of records that a broken backend leaves behind.

    """

    def __init__(
        self,
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
        is_down: bool = False,
    ) -> None:
        """Start empty; ``ttl`` and ``clock`` are in seconds."""
        super().__init__(ttl=ttl, clock=clock)
        self.ttl, self.clock = ttl, clock
        self.conversations = CheckedConversations(ttl, clock)
        self.is_down = is_down
        self.is_read_only = False
        self.pause = 0.0
        self.requests = 0
        self.left_behind = 0

    def run(self, plan: Plan[Conversations, T]) -> T:
        """Wait, then run a plan."""
        if self.pause:
            time.sleep(self.pause)
        return self.answer(plan)

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        """Wait without blocking the event loop, then run a plan."""
        if self.pause:
            await asyncio.sleep(self.pause)
        return self.answer(plan)

    def answer(self, plan: Plan[Conversations, T]) -> T:
        """Run a plan, unless the driver fails."""
        if self.is_down:
            raise FakeDriverError("content-of-a-user")
        self.requests += 1
        result = super().run(plan)
        for conversation in self.conversations.by_key.values():
            if not isinstance(conversation.records, CountingList):
                conversation.records = CountingList(conversation.records)
        return result

    def delete(self, key: str, write: Delete) -> Plan[Conversations, None]:
        """Refuse it to a user who may not write."""
        if self.is_read_only:
            raise StoreAccessError("memory: this user may not write")
        return super().delete(key, write)

    def translate(self, error: Exception) -> ChatStoreError | None:
        """Translate the driver's error."""
        if isinstance(error, FakeDriverError):
            return StoreUnavailableError("memory: no answer from the driver")
        return None


class BrokenBackend(WrapperBackend[Conversations]):
    """Base class of broken backends: wrappers that change one thing about a correct one."""

    inner: CorrectBackend

    def __init__(self, inner: CorrectBackend) -> None:
        """Wrap a correct backend."""
        super().__init__(inner)

    @property
    def by_key(self) -> dict[str, Conversation]:
        """The conversations in memory."""
        return self.inner.conversations.by_key

    def conversation_of(self, key: str) -> Conversation | None:
        """Return a conversation that has not expired."""
        return self.inner.conversations.find(key)


class UnlockedBackend(BrokenBackend):
    """Base class of backends whose calls are not atomic: threads run plans at the same time."""

    def run(self, plan: Plan[Conversations, T]) -> T:
        """Run a plan without a lock."""
        return run(plan, self.inner.conversations)

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        """Run a plan without a lock."""
        return await async_run(plan, self.inner.conversations)


class CorrectStore(ChatStore):
    """A correct store. Its subclasses are broken outside of their backend."""

    def __init__(
        self,
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
        is_down: bool = False,
    ) -> None:
        """Start empty; see `CorrectBackend`."""
        self.memory = CorrectBackend(ttl=ttl, clock=clock, is_down=is_down)
        super().__init__(self.memory)

    def __reduce__(self) -> Any:
        """Pickle the conversations, too."""
        return _restored, (*super().__reduce__(), self.memory.state())


def _restored(
    construct: Callable[..., CorrectStore], arguments: tuple[Any, ...], state: Any
) -> CorrectStore:
    store = construct(*arguments)
    store.memory.restore_state(state)
    return store


class BrokenHarness(ContractHarness):
    """Opens stores of one class, each with a database of its own."""

    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self, kind: type[CorrectStore | BrokenBackend]) -> None:
        """Take the class of a store, or of a wrapper."""
        self.kind = kind
        self.newest = CorrectBackend()

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return a store; the harness's other methods look into the newest store's database."""
        return self._open(ttl=ttl, clock=clock or time.time)

    def _open(self, **options: Any) -> ChatStore:
        if issubclass(self.kind, BrokenBackend):
            self.newest = CorrectBackend(**options)
            return ChatStore(self.kind(self.newest))
        store = self.kind(**options)
        self.newest = store.memory
        return store

    def _records(self, key: str) -> list[StoredRecord]:
        return self.newest.conversations.by_key[key].records

    def corrupt(self, key: str, index: int) -> None:
        """Cut the record's text."""
        record = list.__getitem__(self._records(key), index)
        self._records(key)[index] = record._replace(body='{"v":1,')

    def lose(self, key: str, index: int) -> None:
        """Remove the record and keep its id."""
        del self._records(key)[index]

    def counts(self) -> Counts:
        """Count calls, and records that were read."""
        lists = [c.records for c in self.newest.conversations.by_key.values()]
        return Counts(self.newest.requests, sum(getattr(one, "touched", 0) for one in lists))

    def stored(self) -> int:
        """Count records and conversations."""
        conversations = list(self.newest.conversations.by_key.values())
        records = sum(len(one.records) for one in conversations)
        return self.newest.left_behind + len(conversations) + records

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Let the driver fail."""
        self.newest.is_down = True
        yield
        self.newest.is_down = False

    def unreachable(self) -> ChatStore:
        """Return a store whose driver fails."""
        return self._open(is_down=True)

    @contextmanager
    def read_only(self) -> Iterator[ChatStore]:
        """Return a context with a store that may not delete."""
        store = self._open()
        self.newest.is_read_only = True
        yield store

    @contextmanager
    def slow(self) -> Iterator[float]:
        """Let the driver wait."""
        self.newest.pause = 0.3
        yield 0.3
        self.newest.pause = 0.0


class BrokenStore(NamedTuple):
    """A broken store and the contract tests that must reject it.

    Attributes:
        kind: The class of the store, or of its backend.
        tests: Names of tests; each must fail.
        parameters: Parameters of the test with which it must fail, separated by spaces.
        reason: A part of the failure's message.

    """

    kind: type[Any]
    tests: tuple[str, ...]
    parameters: str = "sync"
    reason: str = ""
