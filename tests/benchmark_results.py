"""Results as a run of the benchmarks records them, and what is made of them."""

from __future__ import annotations

from typing import Any

from benchmarks.bars import judge
from benchmarks.figures import Run
from benchmarks.report import write


def calls(
    subject: str, workload: str, length: int, *rounds: list[float], server: str = "redis"
) -> dict[str, Any]:
    return {
        "kind": "calls",
        "server": server,
        "subject": subject,
        "workload": workload,
        "length": length,
        "seconds": [list(one) for one in rounds],
        "errors": [],
        "peak_memory": 5_000_000,
    }


def race(
    subject: str,
    *rates: float,
    stored: int | None = 100,
    tasks: int = 1,
    keys: int = 1,
    server: str = "redis",
) -> dict[str, Any]:
    return {
        "kind": "writers",
        "server": server,
        "subject": subject,
        "processes": 16 if tasks == 1 else 1,
        "tasks": tasks,
        "keys": keys,
        "acknowledged": 100,
        "stored": stored,
        "errors": [],
        "rates": list(rates),
    }


def bars(*results: dict[str, Any]) -> dict[str, bool]:
    return {bar.what: bar.is_met for bar in judge(Run(results))}


def page(*results: dict[str, Any]) -> str:
    return write({"machine": "a machine", "versions": {"redis": "1"}, "rounds": 2,
                  "results": results})  # fmt: skip
