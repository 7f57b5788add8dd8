"""``concurrently``: a step that carries out several plans at the same time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextvars import ContextVar, copy_context
from typing import Any, Generic, TypeVar, cast

from chatstore.core.backend.plans import ModeStep, Plan, async_run, run

C = TypeVar("C")
T = TypeVar("T")


class StoppedError(Exception):
    """Another plan of the same step failed, so this one does not repeat a request."""


def concurrently(plans: Sequence[Plan[C, T]], limit: int) -> Plan[C, list[T]]:
    """Carry out plans that do not depend on each other; return their results in their order.

    A sync client is used by several threads at once, an async one by several tasks. If a plan
    fails, no other one begins; those that have begun end first. Whenever a request has to be
    repeated, half as many plans go on at the same time, so that a busy service recovers.

    Args:
        plans: Plans that have not begun.
        limit: The most plans at the same time; 1: one after the other.

    Raises:
        Exception: The error of the plan that failed first.

    """
    if limit > 1 and len(plans) > 1:
        results: list[T] = yield ConcurrentStep(plans, limit)
        return results
    results = []
    for plan in plans:
        results.append((yield from plan))
    return results


def slow_down() -> None:
    """Note that the service is busy or does not answer, in a plan that repeats a request.

    Raises:
        StoppedError: The request must not be repeated.

    """
    step = _current_step.get()
    if step is not None:
        step.slow_down()


class ConcurrentStep(ModeStep[C], Generic[C, T]):
    """Carries out plans in lanes: a lane begins the next plan when its last one has ended.

    Attributes:
        plans: The plans.
        limit: The most plans at the same time.

    """

    def __init__(self, plans: Sequence[Plan[C, T]], limit: int) -> None:
        """Take plans that have not begun; see `concurrently`."""
        self.plans = plans
        self.limit = limit
        self._results: list[T | None] = [None] * len(plans)
        self._lock = threading.Lock()
        self._begun = 0
        self._lanes = min(limit, len(plans))
        self._is_stopped = False
        self._error: BaseException | None = None

    def __call__(self, client: C) -> list[T]:
        """Carry out the plans; the calling thread is one of the lanes."""
        threads: list[threading.Thread] = []
        try:
            for lane in range(1, self._lanes):
                work = copy_context().run
                thread = threading.Thread(
                    target=work, args=(self._work, client, lane), name=f"chatstore-{lane}"
                )
                try:
                    thread.start()
                except RuntimeError:  # the system has no more: the other lanes do the work
                    break
                threads.append(thread)
            copy_context().run(self._work, client, 0)
            for thread in threads:
                thread.join()
        except BaseException:
            self._is_stopped = True  # such as an interrupt from the keyboard
            raise
        return self._outcome()

    async def async_call(self, client: C) -> list[T]:
        """Carry out the plans; each lane is a task."""
        import asyncio  # it is loaded if there is a loop

        lanes = [self._async_work(client, lane) for lane in range(self._lanes)]
        # With `return_exceptions` a cancellation waits until all lanes have ended.
        for result in await asyncio.gather(*lanes, return_exceptions=True):
            if result is not None:
                raise result
        return self._outcome()

    def slow_down(self) -> None:
        """Have half as many lanes begin plans from now on.

        Raises:
            StoppedError: A plan has failed.

        """
        with self._lock:
            self._lanes = max(1, self._lanes // 2)
        if self._is_stopped:
            raise StoppedError

    def _work(self, client: C, lane: int) -> None:
        _current_step.set(self)
        while (number := self._next(lane)) is not None:
            try:
                self._results[number] = run(self.plans[number], client)
            except BaseException as error:  # noqa: BLE001 - the calling thread raises it
                self._fail(error)

    async def _async_work(self, client: C, lane: int) -> None:
        _current_step.set(self)
        while (number := self._next(lane)) is not None:
            try:
                self._results[number] = await async_run(self.plans[number], client)
            except Exception as error:  # noqa: BLE001 - the calling task raises it
                self._fail(error)

    def _next(self, lane: int) -> int | None:
        """Return the number of the next plan, ``None`` if this lane has ended."""
        with self._lock:
            if self._is_stopped or lane >= self._lanes or self._begun == len(self.plans):
                return None
            self._begun += 1
            return self._begun - 1

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._is_stopped = True
            if self._error is None:
                self._error = error

    def _outcome(self) -> list[T]:
        if self._error is not None:
            raise self._error
        return cast("list[T]", self._results)


_current_step: ContextVar[ConcurrentStep[Any, Any] | None] = ContextVar(
    "chatstore_concurrent_step", default=None
)
