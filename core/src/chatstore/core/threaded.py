"""For drivers that have no async client: one hop to a thread of our own an operation."""

from __future__ import annotations

import threading
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from chatstore.core.forks import ForkAware, watch
from chatstore.core.plans import Plan, run
from chatstore.core.store import ChatStore

T = TypeVar("T")


class ThreadedChatStore(ChatStore, ForkAware):
    """A store whose async methods run the sync client on threads of the store's own.

    A subclass lends a client by `_borrow`. A cancelled call that has begun is finished before
    the cancellation goes on: its effect is whole, and nothing runs on behind the caller's back.
    """

    max_threads = 16

    def __init__(self) -> None:
        """Make a store without threads; they come with the first async call."""
        self._executor: ThreadPoolExecutor | None = None
        self._executor_lock = threading.Lock()
        watch(self)

    @abstractmethod
    def _borrow(self) -> AbstractContextManager[Any]:
        """Lend a client for one operation."""

    def _execute(self, plan: Plan[T]) -> T:
        with self._borrow() as client:
            return run(plan, client)

    async def _async_execute(self, plan: Plan[T]) -> T:
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        future = self._threads().submit(self._execute, plan)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancel():
                plan.close()
            else:
                await _settled(asyncio.wrap_future(future))
            raise

    def _threads(self) -> ThreadPoolExecutor:
        with self._executor_lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.max_threads, "chatstore")
            return self._executor

    def _stop_threads(self) -> None:
        with self._executor_lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True)

    def after_fork_in_child(self) -> None:
        """Start with a free lock and no threads: the child has none of the parent's."""
        self._executor_lock = threading.Lock()
        self._executor = None


async def _settled(waiter: Any) -> None:
    """Wait until a call has ended, whatever it ends with and however often we are cancelled."""
    import asyncio  # noqa: PLC0415

    while not waiter.done():
        try:
            await asyncio.wait([waiter])
        except asyncio.CancelledError:
            continue
    if not waiter.cancelled():
        waiter.exception()  # seen: the caller gets the cancellation instead
