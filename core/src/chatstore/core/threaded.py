"""For drivers without an async client: each async call runs on a thread of the store."""

from __future__ import annotations

import sys
import threading
from abc import abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from chatstore.core.forks import ForkAware, watch
from chatstore.core.plans import Plan, run
from chatstore.core.store import ChatStore

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class CallCancelledError(Exception):
    """The task that waits for this call was cancelled, and the call has not changed anything."""


class _Call:
    """An async call, as the thread that runs it sees it."""

    is_cancelled = False


_current = threading.local()


def raise_if_cancelled() -> None:
    """End a call that only waits, for a lock for example, once its task was cancelled.

    Raises:
        CallCancelledError: The task was cancelled.

    """
    call: _Call | None = getattr(_current, "call", None)
    if call is not None and call.is_cancelled:
        raise CallCancelledError


class ThreadedChatStore(ChatStore, ForkAware):
    """A store whose async methods run the sync client on threads of the store's own.

    A subclass provides a client by `_borrow`. A cancelled call that has begun to write is
    finished before the cancellation goes on: it takes effect as a whole, and nothing runs on
    after the caller was told. One that waits for a lock gives up, see `raise_if_cancelled`.
    """

    max_threads = 16

    def __init__(self) -> None:
        """Make a store without threads; they start with the first async call."""
        self._executor: ThreadPoolExecutor | None = None
        self._executor_lock = threading.Lock()
        watch(self)

    @abstractmethod
    def _borrow(self) -> AbstractContextManager[Any]:
        """Provide a client for one operation."""

    def _execute(self, plan: Plan[T]) -> T:
        with self._borrow() as client:
            return run(plan, client)

    async def _async_execute(self, plan: Plan[T]) -> T:
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        call = _Call()
        future = self._threads().submit(self._execute_for, call, plan)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            call.is_cancelled = True
            if future.cancel():
                plan.close()
            else:
                await _settled(future)
            raise

    def _execute_for(self, call: _Call, plan: Plan[T]) -> T:
        _current.call = call
        try:
            return self._execute(plan)
        finally:
            _current.call = None

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


async def _settled(future: Future[Any]) -> None:
    """Wait until a call has ended, whatever it ends with and however often we are cancelled."""
    import asyncio  # noqa: PLC0415 - as above

    waiter: asyncio.Future[Any] = asyncio.wrap_future(future)
    with _shielded():
        while not waiter.done():
            try:
                await asyncio.wait([waiter])
            except asyncio.CancelledError:
                continue
    if not waiter.cancelled():
        waiter.exception()  # mark as retrieved: the caller gets the cancellation instead


def _shielded() -> AbstractContextManager[Any]:
    """Keep anyio from cancelling the task again in each round of the event loop.

    It does so for as long as a task of a cancelled scope exists, which keeps the processor busy:
    https://anyio.readthedocs.io/en/stable/cancellation.html
    """
    anyio = sys.modules.get("anyio")
    return nullcontext() if anyio is None else anyio.CancelScope(shield=True)
