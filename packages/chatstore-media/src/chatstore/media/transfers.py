"""Transfers: steps of plans that read or write objects, on threads and not in the database.

File systems of fsspec that are async run on an event loop of fsspec's own, whatever the caller's
mode, and others block. So each transfer is a blocking call on a thread, and both modes wait for
it: one client serves threads and all event loops.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

from chatstore.core.backend import ForkAware, Plan, watch
from chatstore.core.errors import StoreUnavailableError

T = TypeVar("T")

Job = Callable[[], T]


class TransferThreads(ForkAware):
    """A bounded number of threads for transfers; they start with the first one."""

    def __init__(self, max_threads: int, timeout: float) -> None:
        """Take the number of threads and the longest time of a transfer in seconds."""
        self._max_threads = max_threads
        self._timeout = timeout
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        watch(self)

    def run(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Do all jobs and return their results.

        Raises:
            ChatStoreError: A job raised it.
            StoreUnavailableError: They took longer than the timeout.

        """
        futures = self._start(jobs)
        try:
            wait(futures, self._limit(jobs))
            return [future.result(0) if future.done() else _time_out() for future in futures]
        finally:
            _cancel(futures)

    async def async_run(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Like `run`, without blocking the event loop."""
        import asyncio  # a sync program never loads it

        futures = self._start(jobs)
        waiters = [asyncio.wrap_future(future) for future in futures]
        try:
            await asyncio.wait(waiters, timeout=self._limit(jobs))
            return [future.result(0) if future.done() else _time_out() for future in futures]
        finally:
            _cancel(futures)
            for waiter in waiters:
                if not waiter.cancel() and not waiter.cancelled():
                    waiter.exception()  # mark as retrieved: the caller gets the future's

    def close(self) -> None:
        """End the threads after their transfers, which other stores may wait for."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    def after_fork_in_child(self) -> None:
        """Start without threads: the child has none of the parent's."""
        self._lock = threading.Lock()
        self._executor = None

    def _start(self, jobs: Sequence[Job[T]]) -> list[Future[T]]:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._max_threads, "chatstore-media")
            return [self._executor.submit(job) for job in jobs]

    def _limit(self, jobs: Sequence[Job[Any]]) -> float:
        """Return the longest time for all jobs: they wait for threads."""
        return self._timeout * -(-len(jobs) // self._max_threads)


class Transfer(Generic[T]):
    """A step of a plan that needs no client of the database."""

    def __init__(self, threads: TransferThreads, jobs: Sequence[Job[T]]) -> None:
        """Take the jobs."""
        self._threads = threads
        self._jobs = jobs

    def __call__(self, client: object) -> list[T]:  # noqa: ARG002 - steps take it
        """Do the jobs, for a driver that treats this as any other step."""
        return self.run()

    def run(self) -> list[T]:
        """Do the jobs."""
        return self._threads.run(self._jobs)

    async def async_run(self) -> list[T]:
        """Do the jobs without blocking the event loop."""
        return await self._threads.async_run(self._jobs)


def transfer(threads: TransferThreads, jobs: Sequence[Job[T]]) -> Plan[Any, list[T]]:
    """Have the driver do jobs in parallel, and return their results; without jobs do nothing."""
    if not jobs:
        return []
    results: list[T] = yield Transfer(threads, jobs)
    return results


def _cancel(futures: Sequence[Future[Any]]) -> None:
    """Do not begin jobs that nobody waits for."""
    for future in futures:
        future.cancel()


def _time_out() -> Any:
    raise StoreUnavailableError(
        "the media folder did not answer in time; check the network, or raise the folder's timeout"
    )
