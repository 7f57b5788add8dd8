"""Runs the plan: every subject in a process of its own, taking turns in every round."""

from __future__ import annotations

import json
import random
import subprocess

from benchmarks import environments, servers
from benchmarks.plan import FAMILIES, Plan
from benchmarks.proxy import CountingProxy
from benchmarks.turns import Result, Tick, Turns
from benchmarks.workers import workers

_ANSWER_TIME = 900.0  # seconds after which writers are taken for hung
_COUNTED_LENGTH = 1_000  # messages where round trips are counted


def steps(plan: Plan) -> int:
    """Return how often `run` will tick."""
    count = 0
    for kind in plan.servers:
        here = plan.on(kind)
        names, lengths = len(here.subjects_on(kind)), len(here.lengths_on(kind))
        count += names * lengths + here.rounds * lengths * len(here.workloads)
        count += names * (kind not in {"memory", "sqlite"})
        count += 2 * here.races * names * (kind != "memory" and "append" in here.workloads)
    return count


def run(plan: Plan, tick: Tick) -> list[Result]:
    """Measure everything of a plan, server by server."""
    results: list[Result] = []
    for kind in plan.servers:
        here = plan.on(kind)
        names = list(here.subjects_on(kind))
        with servers.start(kind) as server:
            url = server.through(server.port)
            with workers(names, url) as subjects:
                turns = Turns(here, kind, subjects, tick)
                turns.fill()
                if server.settle is not None:
                    server.settle()
                turns.play()
                results += turns.results()
            if server.port is not None:
                for name in names:
                    tick(f"{kind}: counting the round trips of {name}")
                    length = min(turns.reach(name), _COUNTED_LENGTH)
                    results += _count_traffic(here, kind, server, name, length)
            if kind != "memory" and "append" in here.workloads:
                results += _write_together(here, kind, url, names, tick)
    return results


def _count_traffic(
    plan: Plan, kind: str, server: servers.Server, name: str, length: int
) -> list[Result]:
    """Count what one call of each kind sends and receives; setting is no single call."""
    results: list[Result] = []
    assert server.port is not None
    proxy = CountingProxy(server.port)
    with workers([name], server.through(proxy.port)) as started:
        for workload in plan.workloads if length else ():
            if workload == "set":
                continue
            started[name].do(workload, str(length))  # connects, prepares statements
            proxy.take()
            if server.units is not None:
                server.units()
            answer = started[name].do(workload, str(length))
            traffic = proxy.take()
            units = {} if server.units is None else server.units()
            if not answer.get("missing") and not answer["errors"]:
                results.append(
                    {"kind": "traffic", "server": kind, "subject": name, "length": length,
                     "workload": workload, **traffic._asdict(), "units": units}
                )  # fmt: skip
    proxy.close()
    return results


def _write_together(plan: Plan, kind: str, url: str, names: list[str], tick: Tick) -> list[Result]:
    """Let the writers of each subject run, in turns; its rates are those of its rounds."""
    results: dict[tuple[str, int], Result] = {}
    for _ in range(plan.races):
        for name in random.sample(names, len(names)):
            for keys in (1, plan.writers):
                tick(f"{kind}: {plan.writers} writers of {name}")
                result = results.setdefault(
                    (name, keys),
                    {"kind": "writers", "server": kind, "subject": name, "writers": plan.writers,
                     "keys": keys, "acknowledged": 0, "kept": 0, "errors": [], "rates": []},
                )  # fmt: skip
                outcome = _race(plan, name, url, keys)
                result["rates"].append(outcome["acknowledged"] / outcome["seconds"])
                result["acknowledged"] += outcome["acknowledged"]
                result["errors"] += outcome["errors"]
                is_counted = outcome["kept"] is not None
                result["kept"] = result["kept"] + outcome["kept"] if is_counted else None
    return [results[name, keys] for name in names for keys in (1, plan.writers)]


def _race(plan: Plan, name: str, url: str, keys: int) -> Result:
    numbers = map(str, (plan.writers, keys, plan.appends_each))
    family = FAMILIES[name]
    command = [environments.prepare(family), "-m", "benchmarks.race", family, name, url, *numbers]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=environments.ROOT,
        env=environments.plain_environment(),
        timeout=_ANSWER_TIME,
    )
    outcome: Result = json.loads(done.stdout)
    return outcome
