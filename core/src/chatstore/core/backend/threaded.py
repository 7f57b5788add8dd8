"""``ThreadedBackend``: for drivers without an async client. Async calls run on threads."""

from __future__ import annotations

import threading
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from chatstore.core.backend.base import Backend
from chatstore.core.backend.forks import ForkAware, watch
from chatstore.core.backend.plans import Plan, run
from chatstore.core.backend.settling import CallCancelledError, settle

C = TypeVar("C")
T = TypeVar("T")


class _Call:
    """An async call, as seen by the thread that runs it."""

    is_cancelled = False


_current = threading.local()


def raise_if_cancelled() -> None:
    """Give up a call that only waits, for a lock for example, once its task was cancelled.

    Raises:
        CallCancelledError: The task was cancelled.

    """
    call: _Call | None = getattr(_current, "call", None)
    if call is not None and call.is_cancelled:
        raise CallCancelledError


class ThreadedBackend(Backend[C], ForkAware):
    """A backend that runs async calls with its sync client, on threads of its own.

    A subclass provides the client by `borrow`. A cancelled call that has begun to write finishes
    before the cancellation goes on: it takes effect as a whole, and nothing runs on after the
    caller was told. A call that waits for a lock gives up, see `raise_if_cancelled`.
    """

    def __init__(self, max_threads: int = 16) -> None:
        """Start without threads; the first async call starts them.

        Args:
            max_threads: The most calls that run at once for event loops.

        """
        self._max_threads = max_threads
        self._executor: ThreadPoolExecutor | None = None
        self._executor_lock = threading.Lock()
        watch(self)

    @abstractmethod
    def borrow(self) -> AbstractContextManager[C]:
        """Provide a client for one plan."""

    def run(self, plan: Plan[C, T]) -> T:
        """Run a plan with a borrowed client."""
        with self.borrow() as client:
            return run(plan, client)

    async def async_run(self, plan: Plan[C, T]) -> T:
        """Run a plan on a thread."""
        import asyncio  # a sync program never loads it

        call = _Call()
        future = self._threads().submit(self._run_for, call, plan)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            call.is_cancelled = True
            if not future.cancel():
                await settle(asyncio.wrap_future(future))
            raise

    def close(self) -> None:
        """Wait for running calls and end the threads; a subclass closes its clients, too."""
        with self._executor_lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True)

    async def async_close(self) -> None:
        """Like `close`, without blocking the event loop."""
        import asyncio  # a sync program never loads it

        await asyncio.to_thread(self.close)

    def after_fork_in_child(self) -> None:
        """Start with a free lock and no threads: the child has none of the parent's."""
        self._executor_lock = threading.Lock()
        self._executor = None

    def _run_for(self, call: _Call, plan: Plan[C, T]) -> T:
        _current.call = call
        try:
            return self.run(plan)
        finally:
            _current.call = None

    def _threads(self) -> ThreadPoolExecutor:
        with self._executor_lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._max_threads, "chatstore")
            return self._executor
