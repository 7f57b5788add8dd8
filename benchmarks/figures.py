"""What a run's raw results say: medians, percentiles and ratios with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchmarks.plan import FAMILIES

Result = dict[str, Any]
_ORDER = list(FAMILIES)


class Ratio(NamedTuple):
    """A ratio of two costs, measured round by round."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, over: Sequence[float], under: Sequence[float]) -> Ratio:
        """Return the ratio of what was measured side by side in each round.

        Slow calls have fewer rounds: what both have counts.
        """
        ratios = [one / other for one, other in zip(over, under, strict=False)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        """Return the median with the spread behind it."""
        return f"{short(self.median)} × ({short(self.least)} to {short(self.most)})"


class Run:
    """A run's results, looked up by what was measured."""

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
        """Return the results of some kinds on one server, a subject's together."""
        found = [one for kind in kinds for one in self.of_kind(kind) if one["server"] == server]
        return sorted(found, key=lambda one: _ORDER.index(one["subject"]))

    def servers(self) -> list[str]:
        """Return the servers in the order of their measurement."""
        return list(dict.fromkeys(key[0] for key in self._calls))

    def subjects(self, server: str) -> list[str]:
        """Return what was measured on a server, in the plan's order."""
        return sorted({key[1] for key in self._calls if key[0] == server}, key=_ORDER.index)

    def lengths(self, server: str | None = None) -> list[int]:
        """Return the lengths of the conversations, of all servers or of one."""
        return sorted({key[3] for key in self._calls if server in {None, key[0]}})

    def call(self, server: str, subject: str, workload: str, length: int) -> Result | None:
        """Return one cell, or ``None`` where it was not measured."""
        return self._calls.get((server, subject, workload, length))

    def ratio(
        self,
        over: tuple[str, str, str, int],
        under: tuple[str, str, str, int],
    ) -> Ratio | None:
        """Return how much more the first cell costs than the second, round by round."""
        first, second = self._calls.get(over), self._calls.get(under)
        if first is None or second is None:
            return None
        return Ratio.of(_medians(first), _medians(second))


def median(cell: Result) -> float:
    """Return the median of all calls, in seconds."""
    return statistics.median(_all(cell))


def p99(cell: Result) -> float:
    """Return the time that 99 of 100 calls do not exceed, in seconds."""
    ordered = sorted(_all(cell))
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def short(number: float) -> str:
    """Return a number with three digits that count."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """Return a time in a unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{short(seconds * factor)} {unit}"
    return f"{short(seconds * 1e6)} µs"


def _medians(cell: Result) -> list[float]:
    return [statistics.median(calls) for calls in cell["seconds"]]


def _all(cell: Result) -> Sequence[float]:
    return [seconds for calls in cell["seconds"] for seconds in calls]
