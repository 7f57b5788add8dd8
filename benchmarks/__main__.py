"""Measure this project, its peers' packages and the bare drivers side by side: ``make bench``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import environments, measure, packages, progress, quoted, report
from benchmarks.matrix import CALLS, FAMILIES, SUBJECTS, Matrix, full, quick

_RESULTS = environments.FOLDER / "results.json"
_PAGE = environments.ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Read the arguments, measure, and write results, tables and charts.

    Exits with an error if a call of one of this project's stores or of a bare driver fails.
    """
    parser = _parser()
    arguments = parser.parse_args()
    console = Console()
    matrix = _matrix(arguments)
    if arguments.publish and not arguments.again and not _is_whole(matrix):
        parser.error("--publish needs the whole matrix; leave out the options that select a part")
    for kind in matrix.servers:
        if not matrix.subjects_on(kind):
            parser.error(f"none of {', '.join(matrix.subjects)} runs on {kind}")
    if not arguments.again:
        families = {FAMILIES[name] for kind in matrix.servers for name in matrix.subjects_on(kind)}
        with console.status("Preparing environments") as status:
            for family in sorted(families | {"charts"}):
                status.update(f"Preparing the environment of {family}")
                environments.prepare(family)
        _measure(matrix, with_imports=not arguments.subjects)
    recorded = json.loads(_RESULTS.read_text())
    if arguments.publish and not recorded.get("is_whole"):
        parser.error("--publish needs a run of the whole matrix; the last run measured a part")
    text = report.write(recorded)
    print(text)
    page = _PAGE if arguments.publish else environments.FOLDER / "page" / _PAGE.name
    page.parent.mkdir(exist_ok=True)
    page.write_text(text)
    charts = page.with_name("charts")
    environments.run_charts(_RESULTS, charts)
    console.print(f"Written: {page} and {charts}")
    if arguments.publish:
        for changed in quoted.update():
            console.print(f"Updated: {changed}")
    if problems := report.problems(recorded["results"]):
        sys.exit("\n".join(problems))


def _measure(matrix: Matrix, *, with_imports: bool) -> None:
    """Measure, and write the results of each server as soon as it is done."""
    recorded: dict[str, Any] = {
        "machine": _machine(),
        "versions": packages.versions() if with_imports else {},
        "rounds": matrix.rounds,
        "is_whole": _is_whole(matrix),
        "results": [],
    }
    with closing(progress.Ticks(measure.steps(matrix))) as tick:
        for results in measure.run(matrix, tick):
            recorded["results"] += results
            _RESULTS.write_text(json.dumps(recorded))
    if with_imports:
        recorded["results"] += packages.measure()
        _RESULTS.write_text(json.dumps(recorded))


def _is_whole(matrix: Matrix) -> bool:
    return matrix._replace(rounds=0, races=0) == full()._replace(rounds=0, races=0)


def _matrix(arguments: argparse.Namespace) -> Matrix:
    matrix = quick() if arguments.quick else full()
    return matrix._replace(
        servers=tuple(arguments.servers or matrix.servers),
        subjects=tuple(arguments.subjects or matrix.subjects),
        workloads=tuple(arguments.workloads or matrix.workloads),
        rounds=arguments.rounds or matrix.rounds,
        races=min(matrix.races, arguments.rounds or matrix.races),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a few minutes: SQLite and Redis, short conversations, four writers",
    )
    parser.add_argument(
        "--publish", action="store_true", help="write docs/benchmarks.md and docs/charts"
    )
    parser.add_argument(
        "--again", action="store_true", help="write the pages of the last run, without measuring"
    )
    parser.add_argument("--rounds", type=int, help="how often each call is measured")
    _choice(parser, "servers", list(SUBJECTS))
    _choice(parser, "subjects", list(FAMILIES))
    _choice(parser, "workloads", list(CALLS))
    return parser


def _choice(parser: argparse.ArgumentParser, name: str, choices: Sequence[str]) -> None:
    parser.add_argument(f"--{name}", nargs="+", choices=choices, help=f"only these {name}")


def _machine() -> str:
    model = ""
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text().splitlines()
        model = next((line.partition(":")[2] for line in lines if "model name" in line), "")
    cores = os.cpu_count()
    python = platform.python_version()
    system = f"{platform.system()} {platform.machine()}"
    today = datetime.now(timezone.utc).date()
    return f"{cores} cores,{model}, {system}, Python {python}, {today}"


if __name__ == "__main__":
    main()
