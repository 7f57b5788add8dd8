"""Drives plans that consist of steps of the database and of transfers.

A transfer runs between two runs of the inner backend: a slow upload keeps no connection, no lock
and no transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar, cast

from chatstore.core.backend import Backend, Plan, Step, ThreadedBackend, WrapperBackend
from chatstore.media.transfers import Transfer

C = TypeVar("C")
T = TypeVar("T")


class Progress(Generic[C, T]):
    """A plan, and the step that it waits for.

    Attributes:
        step: The step; ``None`` after the last one.
        result: The plan's result, after the last step.

    """

    def __init__(self, plan: Plan[C, T]) -> None:
        """Go to the first step."""
        self._plan = plan
        self.step: Step[C] | None = None
        self.result = cast("T", None)
        self._resume(partial(next, plan))

    def send(self, result: Any) -> None:
        """Go to the next step with a step's result."""
        self._resume(partial(self._plan.send, result))

    def throw(self, error: Exception) -> None:
        """Go to the next step with a step's error, which is raised if the plan does not want it."""
        self._resume(partial(self._plan.throw, error))

    def until_transfer(self) -> Plan[C, None]:
        """Run the steps before the next transfer."""
        while self.step is not None and not isinstance(self.step, Transfer):
            try:
                result = yield self.step
            except Exception as error:  # noqa: BLE001 - the plan decides, else it propagates
                self.throw(error)
            else:
                self.send(result)

    def close(self) -> None:
        """End the plan."""
        self._plan.close()

    def _resume(self, resume: Callable[[], Any]) -> None:
        try:
            self.step = resume()
        except StopIteration as stop:
            self.step, self.result = None, stop.value


def run(plan: Plan[C, T], inner: Backend[C]) -> T:
    """Drive a plan: transfers here, everything else with a backend."""
    progress = Progress(plan)
    try:
        while progress.step is not None:
            if not isinstance(progress.step, Transfer):
                inner.run(progress.until_transfer())
                continue
            try:
                result = progress.step.run()
            except Exception as error:  # noqa: BLE001 - the plan decides, else it propagates
                progress.throw(error)
            else:
                progress.send(result)
        return progress.result
    finally:
        progress.close()


async def async_run(plan: Plan[C, T], inner: Backend[C]) -> T:
    """Like `run`, with the backend's async client.

    Where that is a thread, the whole plan runs there: what it sets in its thread, it can reset.
    """
    if _uses_threads(inner):
        return await inner.async_run(plan)
    progress = Progress(plan)
    try:
        while progress.step is not None:
            if not isinstance(progress.step, Transfer):
                await inner.async_run(progress.until_transfer())
                continue
            try:
                result = await progress.step.async_run()
            except Exception as error:  # noqa: BLE001 - the plan decides, else it propagates
                progress.throw(error)
            else:
                progress.send(result)
        return progress.result
    finally:
        progress.close()


def _uses_threads(backend: Backend[Any]) -> bool:
    while isinstance(backend, WrapperBackend):
        backend = backend.inner
    return isinstance(backend, ThreadedBackend)
