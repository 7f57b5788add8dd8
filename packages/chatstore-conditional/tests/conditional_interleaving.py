"""Mixes the steps of plans that one call carries out at the same time."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from conditional_steps import with_steps

from chatstore.core.backend import ConcurrentStep, Plan, call

T = TypeVar("T")


def interleaved(plan: Plan[Any, T], chance: random.Random) -> Plan[Any, T]:
    """Return a plan in whose place steps of concurrent plans follow each other, by chance."""

    def carry_out(step: Any) -> Plan[Any, Any]:
        if isinstance(step, ConcurrentStep):
            return _Mixture(step, chance).run()
        return call(step)

    return with_steps(plan, carry_out)


class _Mixture:
    """The plans of one step, of which as many have begun as are allowed at the same time."""

    def __init__(self, step: ConcurrentStep[Any, Any], chance: random.Random) -> None:
        self._limit = step.limit
        self._chance = chance
        self._waiting = [(n, interleaved(plan, chance)) for n, plan in enumerate(step.plans)]
        self._begun: dict[int, tuple[Plan[Any, Any], Any]] = {}
        self._results: dict[int, Any] = {}
        self._failure: Exception | None = None

    def run(self) -> Plan[Any, list[Any]]:
        """Carry out all plans; after an error, only those that have begun."""
        while True:
            while self._waiting and self._failure is None and len(self._begun) < self._limit:
                number, plan = self._waiting.pop(0)
                self._resume(number, plan, next)
            if not self._begun:
                break
            number = self._chance.choice(sorted(self._begun))
            plan, step = self._begun.pop(number)
            try:
                result = yield step
            except Exception as error:
                self._resume(number, plan, _throwing(error))
            else:
                self._resume(number, plan, _sending(result))
        if self._failure is not None:
            raise self._failure
        return [self._results[number] for number in sorted(self._results)]

    def _resume(
        self, number: int, plan: Plan[Any, Any], resume: Callable[[Plan[Any, Any]], Any]
    ) -> None:
        try:
            self._begun[number] = plan, resume(plan)
        except StopIteration as stop:
            self._results[number] = stop.value
        except Exception as error:
            self._failure = self._failure or error


def _throwing(error: Exception) -> Callable[[Plan[Any, Any]], Any]:
    return lambda plan: plan.throw(error)


def _sending(result: Any) -> Callable[[Plan[Any, Any]], Any]:
    return lambda plan: plan.send(result)
