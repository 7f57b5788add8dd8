"""Operations that are neither sync nor async.

A plan is a generator that does no I/O: it yields functions of a client and is sent what they
return. Two drivers run it, so that an operation is written once for both colours. One step is
one atomic action of the database.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Step: TypeAlias = Callable[[Any], Any]
Plan: TypeAlias = Generator[Step, Any, T]


def call(step: Callable[[Any], T]) -> Plan[T]:
    """Ask the driver to call ``step`` with its client and return the result."""
    result: T = yield step
    return result


def run(plan: Plan[T], client: object) -> T:
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


async def async_run(plan: Plan[T], client: object) -> T:
    """Like `run`, with an async client: awaitable results are awaited."""
    try:
        step = next(plan)
        while True:
            try:
                result = step(client)
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
