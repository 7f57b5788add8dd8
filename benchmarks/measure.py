"""Measures the matrix: each subject in its own process, all of them in every round."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

from benchmarks import environments, servers
from benchmarks.matrix import FAMILIES, Matrix
from benchmarks.proxy import CountingProxy
from benchmarks.slices import Result, Slices, Tick
from benchmarks.workers import workers

_ANSWER_TIME = 900.0  # seconds after which writers count as hung
_COUNTED_LENGTH = 1_000  # messages in the conversation for which round trips are counted


def steps(matrix: Matrix) -> int:
    """Return how often `run` calls `tick`."""
    count = 0
    for kind in matrix.servers:
        here = matrix.on(kind)
        names, lengths = len(here.subjects_on(kind)), len(here.lengths_on(kind))
        count += names * lengths + here.rounds * lengths * len(here.workloads)
        count += names * (kind not in {"memory", "sqlite"})
        count += 2 * here.races * names * (kind != "memory" and "append" in here.workloads)
    return count


def run(matrix: Matrix, tick: Tick) -> list[Result]:
    """Measure a matrix, one server after the other."""
    results: list[Result] = []
    for kind in matrix.servers:
        here = matrix.on(kind)
        names = list(here.subjects_on(kind))
        with servers.start(kind) as server:
            url = server.through(server.port)
            with workers(names, url) as subjects:
                slices = Slices(here, kind, subjects, tick)
                slices.fill()
                if server.settle is not None:
                    server.settle()
                slices.measure_all()
                results += slices.results()
            if server.port is not None:
                for name in names:
                    tick(f"{kind}: counting the round trips of {name}")
                    length = min(slices.reach(name), _COUNTED_LENGTH)
                    results += _count_traffic(here, kind, server, name, length)
            if kind != "memory" and "append" in here.workloads:
                results += _write_together(here, kind, url, names, tick)
    return results


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
            started[name].call(workload, str(length))  # connects, prepares statements
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


def _write_together(
    matrix: Matrix, kind: str, url: str, names: list[str], tick: Tick
) -> list[Result]:
    """Run the writers of each subject, in a new order in each round."""
    results: dict[tuple[str, int], Result] = {}
    for _ in range(matrix.races):
        for name in random.sample(names, len(names)):
            for keys in (1, matrix.writers):
                tick(f"{kind}: {matrix.writers} writers of {name}")
                result = results.setdefault(
                    (name, keys),
                    {"kind": "writers", "server": kind, "subject": name, "writers": matrix.writers,
                     "keys": keys, "acknowledged": 0, "stored": 0, "errors": [], "rates": []},
                )  # fmt: skip
                outcome = _race(matrix, name, url, keys)
                result["rates"].append(outcome["acknowledged"] / outcome["seconds"])
                result["acknowledged"] += outcome["acknowledged"]
                result["errors"] += outcome["errors"]
                is_counted = outcome["stored"] is not None
                result["stored"] = result["stored"] + outcome["stored"] if is_counted else None
    return [results[name, keys] for name in names for keys in (1, matrix.writers)]


def _race(matrix: Matrix, name: str, url: str, keys: int) -> Result:
    numbers = map(str, (matrix.writers, keys, matrix.appends_each))
    family = FAMILIES[name]
    program: list[str | Path] = [environments.prepare(family), "-m", "benchmarks.race"]
    completed = subprocess.run(
        [*program, family, name, url, *numbers],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=environments.ROOT,
        env=environments.plain_environment(),
        timeout=_ANSWER_TIME,
    )
    outcome: Result = json.loads(completed.stdout)
    return outcome
