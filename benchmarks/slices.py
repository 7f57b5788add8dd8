"""The rounds of one server, each divided into slices in which one subject runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from benchmarks.matrix import (
    LIGHT,
    LONGEST_OF,
    PEERS,
    SLOWEST_CALL,
    SLOWEST_SET,
    Matrix,
    Pace,
)
from benchmarks.workers import Worker

Result = dict[str, Any]
Tick = Callable[[str], None]
_COLD = 2.0  # seconds; faster first calls at a length are repeated, the very first ones always


class Slices:
    """Measures the subjects of one server, each in its worker.

    Attributes:
        failures: Calls that fail, which are not measured at greater lengths.

    """

    def __init__(self, matrix: Matrix, kind: str, subjects: dict[str, Worker], tick: Tick) -> None:
        """Prepare the measurement; `fill` and `measure_all` run it."""
        self.failures: list[Result] = []
        self._matrix = matrix
        self._kind = kind
        self._subjects = subjects
        self._tick = tick
        self._lengths = matrix.lengths_on(kind)
        self._cells: dict[tuple[str, str, int], Result] = {}
        self._paces: dict[tuple[str, str, int], Pace] = {}
        self._reach: dict[tuple[str, str], int] = {}  # the greatest length for a call
        self._grown: dict[tuple[str, int], int] = {}  # messages by which it has grown

    def results(self) -> list[Result]:
        """Return the results."""
        return [*self.failures, *(cell for cell in self._cells.values() if cell["seconds"])]

    def reach(self, name: str, *workloads: str) -> int:
        """Return the greatest length at which a package is measured."""
        longest = min(self._lengths[-1], LONGEST_OF.get(name, self._lengths[-1]))
        return min(self._reach.get((call, name), longest) for call in ("set", *workloads))

    def _is_measured(self, workload: str, length: int) -> bool:
        return length in self._matrix.lengths_on(self._kind, workload)

    # ------------------------------------------------------------------ before the rounds

    def fill(self) -> None:
        """Create the conversations, short ones first, and try each call on them."""
        for length in self._lengths:
            for name in self._subjects:
                self._tick(f"{self._kind}: {name} fills {length:,}")
                if length <= self.reach(name):
                    self._try("set", name, length, [str(length), length])
                for workload in self._matrix.workloads:
                    is_next = workload != "set" and self._is_measured(workload, length)
                    if is_next and length <= self.reach(name, workload):
                        self._try(workload, name, length, [str(length)])

    def _try(self, workload: str, name: str, length: int, arguments: list[Any]) -> None:
        """Measure a call to set its pace; a slow call counts as its first round."""
        answer = self._subjects[name].call(workload, *arguments)
        is_first = not any(one[:2] == (workload, name) for one in self._paces)
        is_cold = is_first or answer.get("seconds", [_COLD])[:1] < [_COLD]
        if is_cold and not answer.get("errors") and not answer.get("missing"):
            answer = self._subjects[name].call(workload, *arguments)
        if answer.get("missing"):
            self._reach[workload, name] = 0
            return
        if answer["errors"]:
            shorter = [other for other in self._lengths if other < length]
            self._reach[workload, name] = max(shorter, default=0)
            self.failures.append(
                {"kind": "failure", "server": self._kind, "subject": name, "workload": workload,
                 "length": length, "error": answer["errors"][0]}
            )  # fmt: skip
            return
        [seconds] = answer["seconds"]
        pace = self._paces[workload, name, length] = Pace.of(workload, seconds)
        if pace.is_slow and workload != "set":  # the first set does not replace anything
            self._count(self._cell(workload, name, length), [answer])
        self._limit(workload, name, length, seconds)

    def _limit(self, workload: str, name: str, length: int, seconds: float) -> None:
        """Exclude greater lengths if the next call of a peer would take too long."""
        if name not in PEERS:
            return
        is_set = workload == "set"  # it creates all conversations, also those for other calls
        lengths = self._lengths if is_set else self._matrix.lengths_on(self._kind, workload)
        longer = next((other for other in lengths if other > length), None)
        limit = SLOWEST_SET if is_set else SLOWEST_CALL
        if longer is not None and seconds > 0.2 and seconds * longer / length > limit:
            self._reach[workload, name] = length

    # ------------------------------------------------------------------ the rounds

    def measure_all(self) -> None:
        """Measure all rounds: light calls first, lengths and subjects in random order."""
        light = [workload for workload in self._matrix.workloads if workload in LIGHT]
        heavy = [workload for workload in self._matrix.workloads if workload not in LIGHT]
        for number in range(self._matrix.rounds):
            for workloads in (light, heavy):
                for length in random.sample(self._lengths, len(self._lengths)):
                    for workload in workloads:
                        if self._is_measured(workload, length):
                            where = f"{workload} at {length:,}, round {number + 1}"
                            self._tick(f"{self._kind}: {where}")
                            self._measure(workload, length)

    def _measure(self, workload: str, length: int) -> None:
        """Measure the calls of one round; fast calls in several slices."""
        paces = {
            name: self._paces[workload, name, length]
            for name in self._subjects
            if (workload, name, length) in self._paces
            and not self._is_settled(workload, name, length)
        }
        answers: dict[str, list[Result]] = {name: [] for name in paces}
        for number in range(max((pace.slices for pace in paces.values()), default=0)):
            for name in random.sample(list(paces), len(paces)):
                if number < paces[name].slices:
                    answers[name].append(self._slice(workload, name, length, paces[name]))
        for name in paces:
            self._count(self._cell(workload, name, length), answers[name])

    def _slice(self, workload: str, name: str, length: int, pace: Pace) -> Result:
        worker, key = self._subjects[name], str(length)
        arguments = [f"set {length}", length] if workload == "set" else [key]
        if workload == "delete last":  # so that there are messages to delete
            worker.call("append", key, calls=pace.warm_ups + pace.calls)
        answer: Result = worker.call(workload, *arguments, calls=pace.calls, warm_ups=pace.warm_ups)
        if workload == "append":
            self._shorten(name, length, pace.warm_ups + pace.calls)
        return answer

    def _shorten(self, name: str, length: int, appended: int) -> None:
        """Replace a conversation that has grown by more than a tenth."""
        grown = self._grown.get((name, length), 0) + appended
        if grown > length / 10:
            self._subjects[name].call("set", str(length), length)
            grown = 0
        self._grown[name, length] = grown

    def _is_settled(self, workload: str, name: str, length: int) -> bool:
        """Return whether a slow call was made often enough."""
        pace, cell = self._paces[workload, name, length], self._cells.get((workload, name, length))
        return pace.is_slow and cell is not None and len(cell["seconds"]) > self._matrix.rounds // 5

    def _cell(self, workload: str, name: str, length: int) -> Result:
        return self._cells.setdefault(
            (workload, name, length),
            {"kind": "calls", "server": self._kind, "subject": name, "workload": workload,
             "length": length, "seconds": [], "errors": [], "peak_memory": 0},
        )  # fmt: skip

    def _count(self, cell: Result, answers: list[Result]) -> None:
        """Add a round to a cell."""
        seconds = [one for answer in answers for one in answer["seconds"]]
        if seconds:
            cell["seconds"].append(seconds)
        for answer in answers:
            cell["errors"] += answer["errors"]
            cell["peak_memory"] = max(cell["peak_memory"], answer["peak_memory"])
