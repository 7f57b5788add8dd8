"""The rounds of one server, in which its subjects take turns."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from benchmarks.plan import LIGHT, SLOWEST_CALL, Pace, Plan
from benchmarks.workers import Worker

Result = dict[str, Any]
Tick = Callable[[str], None]
_COLD = 2.0  # seconds; a first call that took less may have loaded code and is tried again


class Turns:
    """Measures the subjects of one server, each in its worker.

    Attributes:
        failures: What a package cannot do, and was measured no further.

    """

    def __init__(self, plan: Plan, kind: str, subjects: dict[str, Worker], tick: Tick) -> None:
        """Note who takes part."""
        self.failures: list[Result] = []
        self._plan = plan
        self._kind = kind
        self._subjects = subjects
        self._tick = tick
        self._lengths = plan.lengths_on(kind)
        self._cells: dict[tuple[str, str, int], Result] = {}
        self._paces: dict[tuple[str, str, int], Pace] = {}
        self._reach: dict[tuple[str, str], int] = {}  # how long a call's conversation may be
        self._grown: dict[tuple[str, int], int] = {}  # by how many messages

    def results(self) -> list[Result]:
        """Return what was measured."""
        return [*self.failures, *(cell for cell in self._cells.values() if cell["seconds"])]

    def reach(self, name: str, *workloads: str) -> int:
        """Return the length up to which a package is measured."""
        longest = self._lengths[-1]
        return min(self._reach.get((call, name), longest) for call in ("set", *workloads))

    # ------------------------------------------------------------------ before the rounds

    def fill(self) -> None:
        """Make the conversations, the short ones first, and try each call on them."""
        for length in self._lengths:
            for name in self._subjects:
                self._tick(f"{self._kind}: {name} fills {length:,}")
                if length <= self.reach(name):
                    self._try("set", name, length, [str(length), length])
                for workload in self._plan.workloads:
                    if workload != "set" and length <= self.reach(name, workload):
                        self._try(workload, name, length, [str(length)])

    def _try(self, workload: str, name: str, length: int, arguments: list[Any]) -> None:
        """See how long a call takes and set its pace; a slow one counts as its first round."""
        answer = self._subjects[name].do(workload, *arguments)
        if answer.get("seconds", [_COLD])[:1] < [_COLD] and not answer.get("errors"):
            answer = self._subjects[name].do(workload, *arguments)
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
        if pace.is_slow and workload != "set":  # a first set replaces nothing
            self._count(self._cell(workload, name, length), [answer])
        self._limit(workload, name, length, seconds)

    def _limit(self, workload: str, name: str, length: int, seconds: float) -> None:
        """Measure a package no further where its next call would take too long."""
        longer = next((other for other in self._lengths if other > length), None)
        limit = 12 * SLOWEST_CALL if workload == "set" else SLOWEST_CALL
        if longer is not None and seconds > 0.2 and seconds * longer / length > limit:
            self._reach[workload, name] = length

    # ------------------------------------------------------------------ the rounds

    def play(self) -> None:
        """Play all rounds: light calls first, lengths and subjects in an order of their own."""
        light = [workload for workload in self._plan.workloads if workload in LIGHT]
        heavy = [workload for workload in self._plan.workloads if workload not in LIGHT]
        for number in range(self._plan.rounds):
            for workloads in (light, heavy):
                for length in random.sample(self._lengths, len(self._lengths)):
                    for workload in workloads:
                        where = f"{workload} at {length:,}, round {number + 1}"
                        self._tick(f"{self._kind}: {where}")
                        self._measure(workload, length)

    def _measure(self, workload: str, length: int) -> None:
        """Let the subjects make the calls of one round, by turns where these are fast."""
        paces = {
            name: self._paces[workload, name, length]
            for name in self._subjects
            if (workload, name, length) in self._paces
            and not self._is_settled(workload, name, length)
        }
        answers: dict[str, list[Result]] = {name: [] for name in paces}
        for turn in range(max((pace.turns for pace in paces.values()), default=0)):
            for name in random.sample(list(paces), len(paces)):
                if turn < paces[name].turns:
                    answers[name].append(self._turn(workload, name, length, paces[name]))
        for name in paces:
            self._count(self._cell(workload, name, length), answers[name])

    def _turn(self, workload: str, name: str, length: int, pace: Pace) -> Result:
        worker, key = self._subjects[name], str(length)
        arguments = [f"set {length}", length] if workload == "set" else [key]
        if workload == "delete last":  # so that there is what to delete
            worker.do("append", key, calls=pace.warm_ups + pace.calls)
        answer: Result = worker.do(workload, *arguments, calls=pace.calls, warm_ups=pace.warm_ups)
        if workload == "append":
            self._shorten(name, length, pace.warm_ups + pace.calls)
        return answer

    def _shorten(self, name: str, length: int, appended: int) -> None:
        """Set a conversation anew that has grown by more than a tenth."""
        grown = self._grown.get((name, length), 0) + appended
        if grown > length / 10:
            self._subjects[name].do("set", str(length), length)
            grown = 0
        self._grown[name, length] = grown

    def _is_settled(self, workload: str, name: str, length: int) -> bool:
        """Tell whether slow calls were made often enough."""
        pace, cell = self._paces[workload, name, length], self._cells.get((workload, name, length))
        return pace.is_slow and cell is not None and len(cell["seconds"]) > self._plan.rounds // 5

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
