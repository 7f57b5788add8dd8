"""Calls that end between two requests, as if their process was killed or a reply was lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from chatstore.core import StoreUnavailableError
from chatstore.core.backend import Backend, Plan, WrapperBackend

C = TypeVar("C")
T = TypeVar("T")


class InterruptionError(StoreUnavailableError):
    """A call ended between two requests; it may have taken effect."""


def interrupted(plan: Plan[C, T], ends: Callable[[int], bool]) -> Plan[C, T]:
    """Run a plan until it ends, or ``ends`` says so.

    Args:
        plan: The plan.
        ends: Called once for each number of answered requests, before the plan sees the last
            answer.

    Raises:
        InterruptionError: ``ends`` returned true.

    """
    requests = 0
    try:
        step = next(plan)
        is_ended = ends(requests)
        while not is_ended:
            try:
                result = yield step
            except Exception as error:
                requests += 1
                step = plan.throw(error)
                is_ended = ends(requests)
            else:
                requests += 1
                is_ended = ends(requests)
                if not is_ended:
                    step = plan.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    plan.close()
    raise InterruptionError(f"the call ended after {requests} requests")


class Interference:
    """Calls a function before the nth step of its plans, which are counted together."""

    def __init__(self, nth: int, interfere: Callable[[], object]) -> None:
        """Count from 1."""
        self._left = nth
        self._interfere = interfere

    def during(self, plan: Plan[C, T]) -> Plan[C, T]:
        """Return a plan with the same steps and result."""
        advance: Callable[[], Any] = partial(next, plan)
        while True:
            try:
                step = advance()
            except StopIteration as stop:
                value: T = stop.value
                return value
            self._left -= 1
            if self._left == 0:
                self._interfere()
            try:
                result = yield step
            except Exception as error:
                advance = partial(plan.throw, error)
            else:
                advance = partial(plan.send, result)


class LosesReplies(WrapperBackend[C]):
    """Loses a share of the replies: the call fails, and its caller may repeat it."""

    def __init__(self, inner: Backend[C], share: float, seed: int) -> None:
        """Wrap a backend; ``share`` is between 0 and 1."""
        super().__init__(inner)
        self._share = share
        self._random = random.Random(seed)

    def _ends(self, requests: int) -> bool:
        return requests > 0 and self._random.random() < self._share

    def run(self, plan: Plan[C, T]) -> T:
        """Run a plan whose replies may be lost."""
        return self.inner.run(interrupted(plan, self._ends))

    async def async_run(self, plan: Plan[C, T]) -> T:
        """Like `run`, with an async client."""
        return await self.inner.async_run(interrupted(plan, self._ends))


def ends_after(requests: int) -> Callable[[int], bool]:
    """Return a function for `interrupted` that ends a plan after a number of requests."""
    return lambda answered: answered >= requests


def interrupting(
    build: Callable[..., Plan[Any, Any]], requests: int
) -> Callable[..., Plan[Any, Any]]:
    """Return an operation that ends after a number of requests."""
    return lambda *args, **kwargs: interrupted(build(*args, **kwargs), ends_after(requests))
