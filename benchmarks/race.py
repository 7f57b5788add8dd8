"""Writers that append at once: ``python -m benchmarks.race FAMILY NAME URL WRITERS KEYS EACH``.

Prints one line of JSON. The packages are imported once; each writer is a forked process that
opens a store of its own.
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

_PATIENCE = 300.0  # seconds until writers that hang are ended


def main() -> None:
    """Let the writers run, and count what was kept."""
    family, name, url = sys.argv[1:4]
    writers, keys, each = map(int, sys.argv[4:])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints must not get into the answer
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
    began = time.perf_counter()
    results = [outcomes.get(timeout=_PATIENCE) for _ in processes]
    seconds = time.perf_counter() - began
    for process in processes:
        process.join(_PATIENCE)
    counted: Any = context.Queue()
    context.Process(target=_count, args=(module, name, url, names, counted)).start()
    count = counted.get(timeout=_PATIENCE)
    answer = {
        "acknowledged": sum(done for done, _ in results),
        "kept": None if count is None else count - len(names),
        "errors": [error for _, errors in results for error in errors],
        "seconds": seconds,
    }
    print(json.dumps(answer), file=answers, flush=True)


class Tally:
    """Counts the calls that returned and keeps what the others raised."""

    def __init__(self) -> None:
        """Begin at nothing."""
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
    """Append so many messages; a package that is awaited does so in one coroutine."""
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
    """Begin the conversations, so that all tables are there."""
    subject = module.make(name, url)
    for key in keys:
        subject.append(key)


def _write(module: Any, name: str, url: str, key: str, each: int, gate: Any, outcomes: Any) -> None:
    subject = module.make(name, url)
    # Writers are at work for a while already: the driver is loaded and connected.
    subject.append(f"{key}: before {os.getpid()}")
    gate.wait(_PATIENCE)
    tally = write(subject, key, each)
    outcomes.put((tally.done, tally.errors))
    if hasattr(subject, "close"):
        subject.close()


def _count(module: Any, name: str, url: str, keys: list[str], counted: Any) -> None:
    subject = module.make(name, url)
    # The drivers alone have nothing to read with.
    counted.put(sum(map(subject.read, keys)) if hasattr(subject, "read") else None)


if __name__ == "__main__":
    main()
