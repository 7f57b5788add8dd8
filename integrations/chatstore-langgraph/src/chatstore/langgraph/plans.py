"""Plans: what to ask of a store, written once for sync and async.

A plan is a generator. It yields calls of a store's methods, and receives their results.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from chatstore.core import ChatStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method of a store."""

    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


Plan: TypeAlias = Generator[Call, Any, T]


def call(method: str, *args: Any, **kwargs: Any) -> Plan[Any]:
    """Return a plan of one call; its result is the method's."""
    return (yield Call(method, args, kwargs))


def run(store: ChatStore, plan: Plan[T]) -> T:
    """Run a plan with a store's sync methods."""
    try:
        step = next(plan)
        while True:
            try:
                result = getattr(store, step.method)(*step.args, **step.kwargs)
            except Exception as error:  # noqa: BLE001 - the plan decides
                step = plan.throw(error)
            else:
                step = plan.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def async_run(store: ChatStore, plan: Plan[T]) -> T:
    """Run a plan with a store's async methods."""
    try:
        step = next(plan)
        while True:
            try:
                result = await getattr(store, f"async_{step.method}")(*step.args, **step.kwargs)
            except Exception as error:  # noqa: BLE001 - the plan decides
                step = plan.throw(error)
            else:
                step = plan.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
