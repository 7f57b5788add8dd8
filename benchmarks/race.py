"""Concurrent writers: ``python -m benchmarks.race FAMILY NAME URL WRITERS KEYS EACH``.

Prints one line of JSON. The packages are imported once; each writer is a forked process that opens
its own store.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PATIENCE = 300.0  # seconds after which hanging writers are ended


def main() -> None:
    """Run the writers and count the stored messages."""
    family, name, url = sys.argv[1:4]
    writers, keys, each = map(int, sys.argv[4:])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a package's output must not mix with the answer
    module = importlib.import_module(f"benchmarks.subjects.{family}")
    context = multiprocessing.get_context("fork")
    names = [f"{name}: race {os.getpid()} {number}" for number in range(keys)]
    prepared = context.Process(target=_prepare, args=(module, name, url, names))
    prepared.start()
    prepared.join(_PATIENCE)

    outcomes: Any = context.Queue()
    gate = context.Barrier(writers + 1)
    processes = [
        context.Process(
            target=_write,
            args=(module, name, url, names[number % keys], each, gate, outcomes),
            daemon=True,
        )
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    gate.wait(_PATIENCE)
    start = time.perf_counter()
    results = [outcomes.get(timeout=_PATIENCE) for _ in processes]
    seconds = time.perf_counter() - start
    for process in processes:
        process.join(_PATIENCE)
    counted: Any = context.Queue()
    context.Process(target=_count, args=(module, name, url, names, counted)).start()
    count = counted.get(timeout=_PATIENCE)
    answer = {
        "acknowledged": sum(done for done, _ in results),
        "stored": None if count is None else count - len(names),
        "errors": [error for _, errors in results for error in errors],
        "seconds": seconds,
    }
    print(json.dumps(answer), file=answers, flush=True)


class Tally:
    """Counts the calls that returned, and records the errors of the others."""

    def __init__(self) -> None:
        """Start at zero."""
        self.done = 0
        self.errors: list[str] = []

    @contextmanager
    def call(self) -> Iterator[None]:
        """Make one call."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a package raises is its result
            self.errors.append(f"{type(error).__name__}: {error}"[:300])
        else:
            self.done += 1


def write(subject: Any, key: str, each: int) -> Tally:
    """Append messages; an async package appends all of them in one coroutine."""
    tally = Tally()
    if hasattr(subject, "async_append"):
        subject.run(_async_write(subject, key, each, tally))
    else:
        for _ in range(each):
            with tally.call():
                subject.append(key)
    return tally


async def _async_write(subject: Any, key: str, each: int, tally: Tally) -> None:
    for _ in range(each):
        with tally.call():
            await subject.async_append(key)


def _prepare(module: Any, name: str, url: str, keys: list[str]) -> None:
    """Create the conversations, so that all tables exist."""
    subject = module.make(name, url)
    for key in keys:
        subject.append(key)


def _write(module: Any, name: str, url: str, key: str, each: int, gate: Any, outcomes: Any) -> None:
    subject = module.make(name, url)
    # In a running program the driver is already loaded and connected.
    subject.append(f"{key}: before {os.getpid()}")
    gate.wait(_PATIENCE)
    tally = write(subject, key, each)
    outcomes.put((tally.done, tally.errors))
    if hasattr(subject, "close"):
        subject.close()


def _count(module: Any, name: str, url: str, keys: list[str], counted: Any) -> None:
    subject = module.make(name, url)
    # The bare drivers have no call that reads.
    counted.put(sum(map(subject.read, keys)) if hasattr(subject, "read") else None)


if __name__ == "__main__":
    main()
