"""Operations that are neither sync nor async.

A plan is a generator that does no I/O: it yields functions of a client and is sent what they
return. `run` and `async_run` drive it, so each operation is written once for both modes. One step
is one atomic action of the database.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeAlias, TypeVar, Union

C = TypeVar("C")
T = TypeVar("T")

Step: TypeAlias = Callable[[C], Any]
"""A function of a client; with an async client its result may be awaitable."""

Plan: TypeAlias = Generator[Callable[[C], Any], Any, T]
"""``Plan[Client, Result]``: yields steps for a client, and returns a result."""

MaybeAwaitable: TypeAlias = Union[T, Awaitable[T]]  # noqa: UP007 - no `|` with a variable on 3.10
"""What a client's method returns: the result, or where the client is async an awaitable."""


class ModeStep(ABC, Generic[C]):
    """A step that an async client carries out in another way than a sync one."""

    @abstractmethod
    def __call__(self, client: C) -> Any:
        """Carry out the step with a sync client."""

    @abstractmethod
    def async_call(self, client: C) -> Awaitable[Any]:
        """Carry out the step with an async client."""


def call(step: Callable[[C], MaybeAwaitable[T]]) -> Plan[C, T]:
    """Have the driver call ``step`` with its client, and return the result."""
    result: T = yield step
    return result


def run(plan: Plan[C, T], client: C) -> T:
    """Drive a plan with a sync client; errors of a step are thrown into the plan."""
    try:
        step = next(plan)
        while True:
            try:
                result = step(client)
            except Exception as error:  # noqa: BLE001 - the plan decides, else it propagates
                step = plan.throw(error)
            else:
                step = plan.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        plan.close()


async def async_run(plan: Plan[C, T], client: C) -> T:
    """Like `run`, with an async client: awaitable results are awaited."""
    try:
        step = next(plan)
        while True:
            try:
                result = step.async_call(client) if isinstance(step, ModeStep) else step(client)
                if inspect.isawaitable(result):
                    result = await result
            except Exception as error:  # noqa: BLE001 - the plan decides, else it propagates
                step = plan.throw(error)
            else:
                step = plan.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        plan.close()
