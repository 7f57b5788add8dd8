"""Make checks: the stores of one server one after the other, several servers at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TextIO

from benchmarks import environments

from comparison import servers
from comparison.fork_server import ForkServer
from comparison.lab import Outcome, StoreError, open_lab
from comparison.promises import check_of
from comparison.subjects import SUBJECTS
from comparison.workers import fork_server

Result = dict[str, Any]


def run_all(names: Sequence[str], promises: Sequence[str], progress: TextIO) -> list[Result]:
    """Make the checks of some stores and promises; return a result for each, in their order."""
    for family in {SUBJECTS[name].store.family for name in names} - {None}:
        assert family is not None
        environments.prepare(family)
    kinds = list(dict.fromkeys(SUBJECTS[name].server for name in names))
    with ThreadPoolExecutor(len(kinds)) as pool:
        groups = [
            pool.submit(
                _run_on,
                kind,
                [name for name in names if SUBJECTS[name].server == kind],
                promises,
                progress,
            )
            for kind in kinds
        ]
        results = {
            (item["store"], item["promise"]): item for group in groups for item in group.result()
        }
    return [results[name, promise] for name in names for promise in promises]


def _run_on(
    kind: str, names: Sequence[str], promises: Sequence[str], progress: TextIO
) -> list[Result]:
    results: list[Result] = []
    with servers.start(kind) as server:
        for name, promise, forks in _with_fork_servers(names, promises):
            outcome = run_one(name, promise, server, forks)
            results.append({"store": name, "promise": promise, **vars(outcome)})
            print(f"{name} {promise}: {outcome.passed}: {outcome.text}", file=progress, flush=True)
    return results


def _with_fork_servers(
    names: Sequence[str], promises: Sequence[str]
) -> Iterator[tuple[str, str, ForkServer]]:
    """Yield each store and promise, with a process that has imported the store's adapter."""
    for name in names:
        with closing(fork_server(SUBJECTS[name].store)) as forks:
            for promise in promises:
                yield name, promise, forks


def run_one(name: str, promise: str, server: servers.Server, forks: ForkServer) -> Outcome:
    """Make one check on an empty database."""
    with open_lab(SUBJECTS[name].store, server, forks=forks) as lab:
        try:
            return check_of(promise)(lab)
        except StoreError as error:
            return Outcome(False, str(error))


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of the stores' distributions."""
    requested: dict[str | None, set[str]] = {}
    for name in names:
        subject = SUBJECTS[name]
        requested.setdefault(subject.store.family, set()).update(subject.distributions)
    results: dict[str, str] = {}
    for family, distributions in requested.items():
        python = sys.executable if family is None else environments.prepare(family)
        ordered = sorted(distributions)
        text = f"from importlib.metadata import version as v; print(*map(v, {ordered!r}))"
        done = subprocess.run([python, "-c", text], capture_output=True, text=True, check=True)
        results.update(zip(ordered, done.stdout.split(), strict=True))
    return results
