"""Measure this project, its peers' packages and the bare drivers side by side: ``make bench``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from benchmarks import environments, measure, packages, report
from benchmarks.figures import Result
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
    if arguments.publish and matrix._replace(rounds=0, races=0) != full()._replace(
        rounds=0, races=0
    ):
        parser.error("--publish needs the whole matrix; leave out the options that select a part")
    for kind in matrix.servers:
        if not matrix.subjects_on(kind):
            parser.error(f"none of {', '.join(matrix.subjects)} runs on {kind}")
    families = {FAMILIES[name] for kind in matrix.servers for name in matrix.subjects_on(kind)}
    with console.status("Preparing environments") as status:
        for family in sorted(families | {"charts"}):
            status.update(f"Preparing the environment of {family}")
            environments.prepare(family)
    results = _measure(matrix)
    if not arguments.subjects:
        with console.status("Importing"):
            results += packages.measure()
    run = {
        "machine": _machine(),
        "versions": packages.versions() if not arguments.subjects else {},
        "rounds": matrix.rounds,
        "results": results,
    }
    _RESULTS.write_text(json.dumps(run))
    text = report.write(run)
    print(text)
    page = _PAGE if arguments.publish else environments.FOLDER / "page" / _PAGE.name
    page.parent.mkdir(exist_ok=True)
    page.write_text(text)
    charts = page.with_name("charts")
    environments.run_charts(_RESULTS, charts)
    console.print(f"Written: {page} and {charts}")
    if problems := report.problems(results):
        sys.exit("\n".join(problems))


def _measure(matrix: Matrix) -> list[Result]:
    console = Console(stderr=True)
    bar = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*bar, TextColumn("{task.description}"), console=console) as progress:
        task = progress.add_task("Starting", total=measure.steps(matrix))
        started = set()

        def tick(step: str) -> None:
            progress.update(task, advance=1, description=step)
            server = step.partition(":")[0]
            if not console.is_terminal and server not in started:
                started.add(server)
                console.print(f"Measuring on {server}")

        return measure.run(matrix, tick)


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
        help="two minutes: SQLite and Redis, short conversations, four writers",
    )
    parser.add_argument(
        "--publish", action="store_true", help="write docs/benchmarks.md and docs/charts"
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
