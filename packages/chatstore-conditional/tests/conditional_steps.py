"""Plans whose steps other plans carry out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chatstore.core.backend import Plan

T = TypeVar("T")


def with_steps(plan: Plan[Any, T], carry_out: Callable[[Any], Plan[Any, Any]]) -> Plan[Any, T]:
    """Return a plan in which ``carry_out`` replaces each step by a plan with the same result."""
    try:
        step = next(plan)
        while True:
            try:
                result = yield from carry_out(step)
            except Exception as error:
                step = plan.throw(error)
            else:
                step = plan.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        plan.close()
