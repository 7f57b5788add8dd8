"""Measures the matrix: each subject in its own process, all of them in every round."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path

from benchmarks import environments, servers
from benchmarks.matrix import FAMILIES, Matrix
from benchmarks.proxy import CountingProxy
from benchmarks.race import Settings
from benchmarks.slices import Result, Slices, Tick
from benchmarks.workers import workers

_RACE_TIME = 180.0  # seconds after which writers count as hung
_COUNTED_LENGTH = 1_000  # messages in the conversation for which round trips are counted


def steps(matrix: Matrix) -> int:
    """Return how often `run` calls `tick`."""
    count = 0
    for kind in matrix.servers:
        here = matrix.on(kind)
        names = len(here.subjects_on(kind))
        count += names * len(here.lengths_on(kind))
        count += here.rounds * sum(len(here.lengths_on(kind, call)) for call in here.workloads)
        count += names * (kind not in {"memory", "sqlite"})
        count += here.races * len(here.races_on(kind))
    return count


def run(matrix: Matrix, tick: Tick) -> Iterator[list[Result]]:
    """Measure a matrix, one server after the other; yield the results of each."""
    for kind in matrix.servers:
        try:
            yield list(_measure_on(matrix.on(kind), kind, tick))
        except Exception as error:  # noqa: BLE001 - the results of the other servers are worth it
            traceback.print_exc()
            yield [
                {"kind": "failure", "server": kind, "subject": "chatstore", "workload": "all",
                 "length": 0, "error": f"{type(error).__name__}: {error}"[:300]}
            ]  # fmt: skip


def _measure_on(matrix: Matrix, kind: str, tick: Tick) -> Iterator[Result]:
    names = list(matrix.subjects_on(kind))
    with servers.start(kind) as server:
        url = server.through(server.port)
        with workers(names, url) as subjects:
            slices = Slices(matrix, kind, subjects, tick)
            slices.fill()
            if server.settle is not None:
                server.settle()
            slices.measure_all()
            yield from slices.results()
        if server.port is not None:
            for name in names:
                tick(f"{kind}: counting the round trips of {name}")
                length = min(slices.reach(name), _COUNTED_LENGTH)
                yield from _count_traffic(matrix, kind, server, name, length)
        yield from _write_together(matrix, kind, url, tick)


def _count_traffic(
    matrix: Matrix, kind: str, server: servers.Server, name: str, length: int
) -> list[Result]:
    """Count the bytes and round trips of one call of each kind, except ``set``."""
    results: list[Result] = []
    assert server.port is not None
    proxy = CountingProxy(server.port)
    with workers([name], server.through(proxy.port)) as started:
        for workload in matrix.workloads if length else ():
            if workload == "set":  # its cost depends on the length
                continue
            # The first call connects and checks the tables, the second one prepares its statement.
            for _ in range(2):
                started[name].call(workload, str(length))
            proxy.take()
            if server.units is not None:
                server.units()
            answer = started[name].call(workload, str(length))
            traffic = proxy.take()
            units = {} if server.units is None else server.units()
            if not answer.get("missing") and not answer["errors"]:
                results.append(
                    {"kind": "traffic", "server": kind, "subject": name, "length": length,
                     "workload": workload, **traffic._asdict(), "units": units}
                )  # fmt: skip
    proxy.close()
    return results


def _write_together(matrix: Matrix, kind: str, url: str, tick: Tick) -> list[Result]:
    """Run the writers of each subject, in a new order in each round."""
    results: dict[tuple[str, int, int], Result] = {}
    entries = matrix.races_on(kind)
    for number in range(matrix.races):
        for name, tasks in random.sample(entries, len(entries)):
            tick(f"{kind}: writers of {name}, round {number + 1}")
            processes = matrix.writers if tasks == 1 else 1
            counts = (1, processes * tasks)
            settings = Settings(processes, tasks, counts, matrix.appends_each, matrix.race_seconds)
            for keys, outcome in zip(counts, _race(name, url, settings), strict=True):
                result = results.setdefault(
                    (name, tasks, keys),
                    {"kind": "writers", "server": kind, "subject": name, "processes": processes,
                     "tasks": tasks, "keys": keys, "acknowledged": 0, "stored": 0, "errors": [],
                     "rates": []},
                )  # fmt: skip
                _add(result, outcome)
    return list(results.values())


def _add(result: Result, outcome: Result) -> None:
    """Add a race to a result."""
    result["rates"].append(outcome["acknowledged"] / outcome["seconds"])
    result["acknowledged"] += outcome["acknowledged"]
    result["errors"] += outcome["errors"]
    if outcome["stored"] is None or result["stored"] is None:
        result["stored"] = None
    else:
        result["stored"] += outcome["stored"]


def _race(name: str, url: str, settings: Settings) -> list[Result]:
    """Run the races of a subject in a process; if it fails or hangs, nothing was acknowledged."""
    family = FAMILIES[name]
    program: list[str | Path] = [environments.prepare(family), "-m", "benchmarks.race"]
    process = subprocess.Popen(
        [*program, family, name, url, json.dumps(settings._asdict())],
        stdout=subprocess.PIPE,
        text=True,
        cwd=environments.ROOT,
        env=environments.plain_environment(),
        start_new_session=True,  # so that its forked writers can be ended with it
    )
    try:
        printed, _ = process.communicate(timeout=_RACE_TIME)
        error = f"the writers ended with code {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        printed, error = "", f"the writers did not end within {_RACE_TIME:.0f} seconds"
    if printed:
        outcomes: list[Result] = json.loads(printed)
        return outcomes
    nothing = {"acknowledged": 0, "stored": 0, "errors": [error], "seconds": _RACE_TIME}
    return [nothing for _ in settings.conversations]
