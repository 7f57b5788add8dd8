"""Let 64 tasks and some threads append for a while under faults, on several databases at once.

``python tests/soak/soak_tasks.py --seconds 600`` is what ``make tasks`` runs. The exit status
is 1 if something was lost, doubled or out of order, or if memory or connections grew.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

import soak_samples
from soak_run import Result, soak
from soak_servers import DATABASES
from soak_worker import GROUPS, TASKS

_CALLS = 40


def main(arguments: Sequence[str]) -> int:
    """Run soaks, print a table and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--calls", type=int, default=_CALLS, help="of each writer in a phase")
    parser.add_argument("--databases", nargs="+", choices=list(DATABASES), default=list(DATABASES))
    parser.add_argument("--breakage", help="break the stores, such as: loses")
    options = parser.parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(options.databases), mp_context=context) as processes:
        runs = [
            processes.submit(
                soak, name, options.calls, partial(_goes_on, options.seconds), options.breakage
            )
            for name in options.databases
        ]
        results = [run.result() for run in runs]
    print(table(results))
    for result in results:
        for violation in result.violations:
            print(f"{result.database}: {violation}")
    return int(any(result.violations for result in results))


def _goes_on(limit: float, phases: int, seconds: float) -> bool:
    return seconds < limit


def table(results: Sequence[Result]) -> str:
    """Return what ran and what was used in the middle and at the end, in Markdown."""
    names = [result.database for result in results]
    lines = [_row(f"{TASKS} tasks", names), _row("---", ["---:"] * len(names))]
    columns = [_column(result) for result in results]
    lines += [_row(title, [column[title] for column in columns]) for title in columns[0]]
    return "\n".join(lines)


def _column(result: Result) -> dict[str, str]:
    cancelled = result.outcomes["cancelled"]
    failed = result.outcomes.total() - cancelled - result.outcomes["answered"]
    middle, end = soak_samples.middle_and_end(result.samples)
    mebibytes = [f"{one.memory / 2**20:.1f}" for one in (result.samples[0], middle, end)]
    return {
        "seconds": f"{result.seconds:.0f}",
        "conversations": f"{result.phases * len(GROUPS):,}",
        "calls, with reads": f"{result.outcomes.total():,}",
        "cancelled calls": f"{cancelled:,}",
        "failed calls": f"{failed:,}",
        "answered appends": f"{result.answered:,}",
        "abandoned appends": f"{result.abandoned:,}",
        "checked messages": f"{result.messages:,}",
        "faults": f"{result.faults.total():,}",
        "crashes of the server": str(result.faults["restart"]),
        "resident memory (MiB): first phase, middle, end": ", ".join(mebibytes),
        "allocated blocks: middle, end": f"{middle.blocks:,}, {end.blocks:,}",
        "open files: middle, end": f"{middle.files}, {end.files}",
        "threads: middle, end": f"{middle.threads}, {end.threads}",
        "server's connections: middle, end": f"{middle.connections}, {end.connections}",
        "violations": str(len(result.violations)),
    }


def _row(title: str, cells: Sequence[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
