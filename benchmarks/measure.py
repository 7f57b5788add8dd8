"""Runs the plan: every subject in a process of its own, taking turns in every round."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import environments, servers
from benchmarks.plan import CALLS, FAMILIES, REPEATS, SLOWEST_CALL, Plan
from benchmarks.proxy import CountingProxy

Result = dict[str, Any]
Tick = Callable[[str], None]
_ANSWER_TIME = 900.0  # seconds after which a worker is taken for hung
_SLOW = 0.5  # seconds; slower calls are made once a round, and in fewer rounds


class Worker:
    """A subject in a process of its own."""

    def __init__(self, name: str, url: str) -> None:
        """Start it, with its family's Python."""
        family = FAMILIES[name]
        vocabulary = next(environments.FOLDER.glob("llama_index/**/tiktoken_cache"), None)
        settings = {"TIKTOKEN_CACHE_DIR": str(vocabulary)} if vocabulary else {}
        self._process = subprocess.Popen(
            [environments.prepare(family), "-m", "benchmarks.worker", family, name, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=environments.ROOT,
            env={**environments.plain_environment(), **settings},
        )
        self._answer()

    def do(self, workload: str, *arguments: Any, repeat: int = 1) -> Result:
        """Send a command and return what it comes to."""
        command = {"call": CALLS[workload], "arguments": arguments, "repeat": repeat}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Result:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            message = f"a worker ended with code {self._process.wait(30)}: see above"
            raise RuntimeError(message)
        answer: Result = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=30)


@contextmanager
def workers(names: list[str], url: str) -> Iterator[list[Worker]]:
    """Start a worker for each name."""
    with ExitStack() as stack:
        started = []
        for name in names:
            started.append(Worker(name, url))
            stack.callback(started[-1].stop)
        yield started


def steps(plan: Plan) -> int:
    """Return how often `run` will tick."""
    count = 0
    for kind in plan.servers:
        names, lengths = len(plan.subjects_on(kind)), len(plan.lengths_on(kind))
        count += names * lengths + plan.rounds * lengths * len(plan.workloads)
        count += names * (kind not in {"memory", "sqlite"})
        count += 2 * plan.races * names * (kind != "memory" and "append" in plan.workloads)
    return count


def run(plan: Plan, tick: Tick) -> list[Result]:
    """Measure everything of a plan, server by server."""
    results: list[Result] = []
    for kind in plan.servers:
        names = list(plan.subjects_on(kind))
        with servers.start(kind) as server:
            url = server.through(server.port)
            with workers(names, url) as started:
                results += _take_turns(plan, kind, dict(zip(names, started, strict=True)), tick)
            if server.port is not None:
                results += _count_traffic(plan, kind, server, names, tick)
            if kind != "memory" and "append" in plan.workloads:
                results += _write_together(plan, kind, url, names, tick)
    return results


def _take_turns(plan: Plan, kind: str, subjects: dict[str, Worker], tick: Tick) -> list[Result]:
    cells: dict[tuple[str, str, int], Result] = {}
    failures: list[Result] = []
    lengths = plan.lengths_on(kind)
    reach: dict[tuple[str, str], int] = {}  # how long a conversation may be for a package's call
    for place, length in enumerate(lengths):
        for name, worker in subjects.items():
            tick(f"{kind}: {name} fills {length:,}")
            if length <= reach.get(("set", name), length):
                filled = worker.do("set", str(length), length)
                if filled["errors"]:
                    reach["set", name] = lengths[place - 1] if place else 0
                    failures.append(
                        {"kind": "failure", "server": kind, "subject": name, "length": length,
                         "error": filled["errors"][0]}
                    )  # fmt: skip
                _note_reach(reach, ("set", name), filled["seconds"], length, lengths)
    for round_number in range(plan.rounds):
        for length in lengths:
            order = list(subjects)
            random.shuffle(order)
            for workload in plan.workloads:
                tick(f"{kind}: {workload} at {length:,}, round {round_number + 1}")
                for name in order:
                    cell = cells.setdefault(
                        (workload, name, length),
                        {"kind": "calls", "server": kind, "subject": name, "workload": workload,
                         "length": length, "seconds": [], "errors": []},
                    )  # fmt: skip
                    longest = min(reach.get((call, name), length) for call in ("set", workload))
                    if length > longest or _is_settled(cell, plan):
                        continue
                    _turn(cell, subjects[name])
                    taken = cell["seconds"][-1] if cell["seconds"] else []
                    _note_reach(reach, (workload, name), taken, length, lengths)
    return failures + [cell for cell in cells.values() if cell["seconds"] or cell["errors"]]


def _turn(cell: Result, worker: Worker) -> None:
    """Add a round to a cell; before the first, a call tells if calls are slow, or warms up."""
    workload, length = cell["workload"], cell["length"]
    arguments = [f"set {length}", length] if workload == "set" else [str(length)]
    repeat = 1 if _is_slow(cell) else REPEATS[workload]
    if workload == "delete last":
        worker.do("append", *arguments, repeat=repeat + 1)  # so that there is what to delete
    answer = worker.do(workload, *arguments) if repeat > 1 and not cell["seconds"] else None
    if answer is None or max(answer.get("seconds", ()), default=_SLOW) < _SLOW:
        answer = worker.do(workload, *arguments, repeat=repeat)
    if answer.get("missing"):
        return
    if answer["seconds"]:
        cell["seconds"].append(answer["seconds"])
    cell["errors"] += answer["errors"]
    cell["peak_memory"] = answer["peak_memory"]


def _is_slow(cell: Result) -> bool:
    return bool(cell["seconds"]) and max(cell["seconds"][0]) >= _SLOW


def _is_settled(cell: Result, plan: Plan) -> bool:
    """Whether slow calls were made often enough."""
    return _is_slow(cell) and len(cell["seconds"]) > plan.rounds // 5


def _note_reach(
    reach: dict[tuple[str, str], int],
    call: tuple[str, str],
    seconds: list[float],
    length: int,
    lengths: tuple[int, ...],
) -> None:
    """Measure a package no further where its next call would take too long."""
    longer = [other for other in lengths if other > length]
    limit = 12 * SLOWEST_CALL if call[0] == "set" else SLOWEST_CALL
    taken = max(seconds, default=0.0)
    if longer and taken > 0.2 and taken * longer[0] / length > limit:
        reach[call] = min(length, reach.get(call, length))


def _count_traffic(
    plan: Plan, kind: str, server: servers.Server, names: list[str], tick: Tick
) -> list[Result]:
    results: list[Result] = []
    assert server.port is not None
    length = max(n for n in plan.lengths_on(kind) if n <= 1_000)
    for name in names:
        tick(f"{kind}: counting the round trips of {name}")
        proxy = CountingProxy(server.port)
        with workers([name], server.through(proxy.port)) as [worker]:
            for workload in plan.workloads:
                if workload == "set":
                    continue
                worker.do(workload, str(length))  # connects, prepares statements
                proxy.take()
                _units(server)
                answer = worker.do(workload, str(length))
                traffic = proxy.take()
                if not answer.get("missing") and not answer["errors"]:
                    results.append(
                        {"kind": "traffic", "server": kind, "subject": name, "length": length,
                         "workload": workload, **traffic._asdict(), **_units(server)}
                    )  # fmt: skip
        proxy.close()
    return results


def _units(server: servers.Server) -> dict[str, float]:
    """Return the request units since the last call, where the server tells them."""
    if server.log is None:
        return {}
    requests = server.log()
    return {f"{kind}_units": sum(r.get(kind, 0) for r in requests) for kind in ("write", "read")}


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
