"""``ThreadedBackend``: async calls on threads, through cancellation, loops and forks."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from chatstore.core import ChatStore, ChatStoreError
from chatstore.core.backend import (
    Append,
    Create,
    Delete,
    Existing,
    Insert,
    KeyPage,
    Newest,
    Oldest,
    OwnedPage,
    Page,
    Plan,
    Put,
    Remove,
    Replace,
    StoredConversation,
    StoredRecord,
    ThreadedBackend,
    Truncate,
    Update,
    call,
)

WAIT = 30  # seconds; an upper bound that only a failure reaches


class Client:
    """A client whose calls wait for the test."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.ended = 0
        self.threads: set[int] = set()

    def work(self) -> int:
        self.begun.set()
        self.threads.add(threading.get_ident())
        assert self.may_end.wait(WAIT)
        self.ended += 1
        return self.ended


class Threaded(ThreadedBackend[Client]):
    """A backend with only the methods that these tests need."""

    def __init__(self) -> None:
        super().__init__(max_threads=1)
        self.client = Client()

    @contextmanager
    def borrow(self) -> Iterator[Client]:
        yield self.client

    def translate(self, error: Exception) -> ChatStoreError | None:
        return None

    def count(self, key: str) -> Plan[Client, int]:
        return call(lambda client: client.work())

    def append(self, key: str, write: Append) -> Plan[Client, list[Existing]]:
        raise NotImplementedError

    def insert(self, key: str, write: Insert) -> Plan[Client, list[Existing]]:
        raise NotImplementedError

    def replace(self, key: str, write: Replace) -> Plan[Client, None]:
        raise NotImplementedError

    def delete(self, key: str, write: Delete) -> Plan[Client, None]:
        raise NotImplementedError

    def remove(self, key: str, write: Remove) -> Plan[Client, StoredRecord | None]:
        raise NotImplementedError

    def read_newest(self, key: str, read: Newest) -> Plan[Client, Page]:
        raise NotImplementedError

    def read_oldest(self, key: str, read: Oldest) -> Plan[Client, Page]:
        raise NotImplementedError

    def put(self, key: str, write: Put) -> Plan[Client, None]:
        raise NotImplementedError

    def truncate(self, key: str, write: Truncate) -> Plan[Client, int]:
        raise NotImplementedError

    def create(self, key: str, write: Create) -> Plan[Client, StoredConversation | None]:
        raise NotImplementedError

    def update(self, key: str, write: Update) -> Plan[Client, StoredConversation | None]:
        raise NotImplementedError

    def find(self, key: str, message_id: str) -> Plan[Client, Page]:
        raise NotImplementedError

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Client, Sequence[StoredConversation | None]]:
        raise NotImplementedError

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[Client, OwnedPage]:
        raise NotImplementedError

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Client, KeyPage]:
        raise NotImplementedError


@pytest.fixture
def backend() -> Iterator[Threaded]:
    made = Threaded()
    yield made
    made.client.may_end.set()
    made.close()


@pytest.fixture
def store(backend: Threaded) -> ChatStore:
    return ChatStore(backend)


async def begun(backend: Threaded) -> None:
    assert await asyncio.to_thread(backend.client.begun.wait, WAIT)


def test_async_calls_run_elsewhere_and_sync_calls_here(store: ChatStore, backend: Threaded) -> None:
    backend.client.may_end.set()
    assert store.count_messages("a") == 1
    assert backend.client.threads == {threading.get_ident()}
    assert asyncio.run(store.async_count_messages("a")) == 2
    assert len(backend.client.threads) == 2


def test_a_call_that_has_begun_ends_before_its_cancellation(
    store: ChatStore, backend: Threaded
) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(store.async_count_messages("a"))
        await begun(backend)
        for _ in range(3):  # also when cancelled again and again
            task.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert not task.done()
        backend.client.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert backend.client.ended == 1

    asyncio.run(main())


def test_a_call_that_has_not_begun_never_runs(store: ChatStore, backend: Threaded) -> None:
    async def main() -> None:
        first = asyncio.ensure_future(store.async_count_messages("a"))
        await begun(backend)
        second = asyncio.ensure_future(store.async_count_messages("a"))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        backend.client.may_end.set()
        assert await first == 1

    asyncio.run(main())
    store.close()  # waits for what still runs
    assert backend.client.ended == 1


def test_several_loops_one_after_another_and_at_once(store: ChatStore, backend: Threaded) -> None:
    backend.client.may_end.set()
    for expected in (1, 2, 3):
        assert asyncio.run(store.async_count_messages("a")) == expected
    results: list[int] = []

    def loop() -> None:
        results.append(asyncio.run(store.async_count_messages("a")))

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert sorted(results) == [4, 5, 6, 7]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_gets_threads_and_locks_of_its_own(
    store: ChatStore, backend: Threaded
) -> None:
    backend.client.may_end.set()
    asyncio.run(store.async_count_messages("a"))  # the parent has a thread now
    with backend._executor_lock:  # as if another thread had been about to use it
        child = os.fork()
        if child == 0:
            signal.alarm(WAIT)  # ends a child that hangs
            ok = False
            try:
                asyncio.run(asyncio.wait_for(store.async_count_messages("a"), WAIT))
                ok = True
            finally:
                os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
