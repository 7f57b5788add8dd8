"""Statistics of a run: medians, percentiles and ratios with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchmarks.matrix import FAMILIES

Result = dict[str, Any]
_ORDER = list(FAMILIES)


class Ratio(NamedTuple):
    """A ratio of two costs, measured round by round."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, over: Sequence[float], under: Sequence[float]) -> Ratio:
        """Return the ratio of two series of measurements, round by round.

        Slow calls have fewer rounds; only the rounds that both have count.
        """
        ratios = [first / second for first, second in zip(over, under, strict=False)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        """Return the median with the spread behind it."""
        return f"{short(self.median)} × ({short(self.least)} to {short(self.most)})"


class Run:
    """The results of a run, by server, subject, workload and length."""

    def __init__(self, results: Iterable[Result]) -> None:
        """Index the results."""
        self.results = list(results)
        self._calls = {
            (r["server"], r["subject"], r["workload"], r["length"]): r
            for r in self.results
            if r["kind"] == "calls" and r["seconds"]
        }

    def of_kind(self, kind: str) -> list[Result]:
        """Return the results of a kind."""
        return [result for result in self.results if result["kind"] == kind]

    def on(self, server: str, *kinds: str) -> list[Result]:
        """Return the results of the given kinds on one server, sorted by subject."""
        results = [
            item for kind in kinds for item in self.of_kind(kind) if item["server"] == server
        ]
        return sorted(results, key=lambda item: _ORDER.index(item["subject"]))

    def servers(self) -> list[str]:
        """Return the servers in the order in which they were measured."""
        return list(dict.fromkeys(key[0] for key in self._calls))

    def subjects(self, server: str) -> list[str]:
        """Return the subjects that were measured on a server, in the order of the matrix."""
        return sorted({key[1] for key in self._calls if key[0] == server}, key=_ORDER.index)

    def lengths(self, server: str | None = None, workload: str | None = None) -> list[int]:
        """Return the lengths of the conversations, of all servers and calls or of one."""
        return sorted(
            {
                key[3]
                for key in self._calls
                if server in {None, key[0]} and workload in {None, key[2]}
            }
        )

    def rivals(self, race: Result) -> list[Result]:
        """Return the races of other packages with the same writers and conversations."""
        same = ("server", "processes", "tasks", "keys")
        return [
            other
            for other in self.of_kind("writers")
            if other["subject"] != race["subject"] and all(other[one] == race[one] for one in same)
        ]

    def call(self, server: str, subject: str, workload: str, length: int) -> Result | None:
        """Return one cell, or ``None`` if it was not measured."""
        return self._calls.get((server, subject, workload, length))

    def ratio(
        self,
        over: tuple[str, str, str, int],
        under: tuple[str, str, str, int],
    ) -> Ratio | None:
        """Return the ratio of the first cell's cost to the second's, round by round."""
        first, second = self._calls.get(over), self._calls.get(under)
        if first is None or second is None:
            return None
        return Ratio.of(_medians(first), _medians(second))


def writers(race: Result) -> str:
    """Return in words who appended at the same time, and to how many conversations."""
    if race["tasks"] > 1:
        return f"{race['tasks']} tasks of a process on {race['keys']}"
    return f"{race['processes']} processes on {race['keys']}"


def median(cell: Result) -> float:
    """Return the median of all calls, in seconds."""
    return statistics.median(_all(cell))


def p99(cell: Result) -> float:
    """Return the 99th percentile of all calls, in seconds."""
    ordered = sorted(_all(cell))
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def short(number: float) -> str:
    """Return a number with three significant digits."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """Return a time in seconds, milliseconds or microseconds."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{short(seconds * factor)} {unit}"
    return f"{short(seconds * 1e6)} µs"


def _medians(cell: Result) -> list[float]:
    return [statistics.median(calls) for calls in cell["seconds"]]


def _all(cell: Result) -> Sequence[float]:
    return [seconds for calls in cell["seconds"] for seconds in calls]
