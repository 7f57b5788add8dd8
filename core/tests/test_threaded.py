"""``ThreadedChatStore``: async calls on threads, through cancellation, loops and forks."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chatstore.core.backend import Plan, ThreadedChatStore, call

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


class Store(ThreadedChatStore):
    """Only what these tests need of a store."""

    max_threads = 1

    def __init__(self) -> None:
        super().__init__()
        self.client = Client()

    @contextmanager
    def _borrow(self) -> Iterator[Client]:
        yield self.client

    def _translate(self, error: Exception) -> None:
        return None

    def _close(self) -> None:
        self._stop_threads()

    async def _async_close(self) -> None:
        self._stop_threads()

    def _count(self, key: str) -> Plan[int]:
        return (yield from call(lambda client: client.work()))

    def _unused(self, *_args: Any, **_options: Any) -> Any:
        raise NotImplementedError

    _append = _insert = _replace = _delete = _remove = _unused
    _read_newest = _read_oldest = _list_keys = _unused


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.client.may_end.set()
    made.close()


async def begun(store: Store) -> None:
    assert await asyncio.to_thread(store.client.begun.wait, WAIT)


def test_async_calls_run_elsewhere_and_sync_calls_here(store: Store) -> None:
    store.client.may_end.set()
    assert store.count_messages("a") == 1
    assert store.client.threads == {threading.get_ident()}
    assert asyncio.run(store.async_count_messages("a")) == 2
    assert len(store.client.threads) == 2


def test_a_call_that_has_begun_ends_before_its_cancellation(store: Store) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(store.async_count_messages("a"))
        await begun(store)
        for _ in range(3):  # also when cancelled again and again
            task.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert not task.done()
        store.client.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert store.client.ended == 1

    asyncio.run(main())


def test_a_call_that_has_not_begun_never_runs(store: Store) -> None:
    async def main() -> None:
        first = asyncio.ensure_future(store.async_count_messages("a"))
        await begun(store)
        second = asyncio.ensure_future(store.async_count_messages("a"))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        store.client.may_end.set()
        assert await first == 1

    asyncio.run(main())
    store.close()  # waits for whatever still runs
    assert store.client.ended == 1


def test_several_loops_one_after_another_and_at_once(store: Store) -> None:
    store.client.may_end.set()
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
def test_a_forked_child_gets_threads_and_locks_of_its_own(store: Store) -> None:
    store.client.may_end.set()
    asyncio.run(store.async_count_messages("a"))  # the parent has a thread now
    with store._executor_lock:  # as if another thread had been about to use it
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
