"""Writers at the same time: ``python -m benchmarks.race FAMILY NAME URL SETTINGS``.

``SETTINGS`` are `Settings` as JSON. Prints one line of JSON: an outcome for each number of
conversations. The packages are imported once; each writer is a forked process that opens its own
store, and in which one or several tasks append.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_PATIENCE = 60.0  # seconds after which hanging writers are ended


class Settings(NamedTuple):
    """Who writes, and how much.

    Attributes:
        processes: Processes that append at the same time.
        tasks: Tasks in each of them. More than one needs an async package.
        conversations: For each race, over how many conversations the writers are spread.
        appends_each: The most appends of a task.
        seconds: The time after which a task makes no further append.

    """

    processes: int
    tasks: int
    conversations: tuple[int, ...]
    appends_each: int
    seconds: float

    def keys_of(self, process: int, names: list[str]) -> list[str]:
        """Return the conversation of each task of a process."""
        first = process * self.tasks
        return [names[number % len(names)] for number in range(first, first + self.tasks)]


def main() -> None:
    """Run a race for each number of conversations."""
    family, name, url, settings = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a package's output must not mix with the answer
    module = importlib.import_module(f"benchmarks.subjects.{family}")
    race = Race(module, name, url, Settings(**json.loads(settings)))
    outcomes = [race.run(number) for number in race.settings.conversations]
    print(json.dumps(outcomes), file=answers, flush=True)


class Race:
    """Lets the writers of a package append."""

    def __init__(self, module: Any, name: str, url: str, settings: Settings) -> None:
        """Remember what to open."""
        self.settings = settings
        self._module = module
        self._name = name
        self._url = url
        self._context = multiprocessing.get_context("fork")

    def run(self, conversations: int) -> dict[str, Any]:
        """Run the writers and count the stored messages."""
        prefix = f"{self._name}: race {os.getpid()} of {self.settings.tasks}"
        names = [f"{prefix}, {conversations} {number}" for number in range(conversations)]
        self._fork(_prepare, names)
        gate = self._context.Barrier(self.settings.processes + 1)
        results: Any = self._context.Queue()
        processes = [
            self._context.Process(
                target=_write,
                args=(self._open, self.settings.keys_of(number, names), self.settings, gate,
                      results),
                daemon=True,
            )
            for number in range(self.settings.processes)
        ]  # fmt: skip
        for process in processes:
            process.start()
        gate.wait(_PATIENCE)
        start = time.perf_counter()
        tallies = [results.get(timeout=_PATIENCE) for _ in processes]
        seconds = time.perf_counter() - start
        for process in processes:
            process.join(_PATIENCE)
        count = self._fork(_count, names)
        return {
            "acknowledged": sum(done for done, _ in tallies),
            "stored": None if count is None else count - len(names),
            "errors": [error for _, errors in tallies for error in errors],
            "seconds": seconds,
        }

    def _open(self) -> Any:
        return self._module.make(self._name, self._url)

    def _fork(self, target: Any, names: list[str]) -> Any:
        """Run a function in a process of its own, since a store must not be open when it forks."""
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=lambda: sender.send(target(self._open(), names)), daemon=True
        )
        process.start()
        sender.close()  # so that `recv` ends with an error if the process does
        result = receiver.recv()
        process.join(_PATIENCE)
        return result


class Tally:
    """Counts the calls that returned, and records the errors of the others."""

    def __init__(self, seconds: float) -> None:
        """Start at zero."""
        self.done = 0
        self.errors: list[str] = []
        self._end = time.perf_counter() + seconds

    @property
    def is_over(self) -> bool:
        """Whether the time for appends is over."""
        return time.perf_counter() > self._end

    @contextmanager
    def call(self) -> Iterator[None]:
        """Make one call."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a package raises is its result
            self.errors.append(f"{type(error).__name__}: {error}"[:300])
        else:
            self.done += 1


def write(subject: Any, keys: list[str], each: int, seconds: float = _PATIENCE) -> Tally:
    """Append messages in one task for each key; a single sync package needs no task."""
    tally = Tally(seconds)
    if len(keys) > 1 or getattr(subject, "IS_ASYNC", False):
        subject.run(_write_all(subject, keys, each, tally))
    else:
        for _ in range(each):
            if not tally.is_over:
                with tally.call():
                    subject.append(keys[0])
    return tally


async def _write_all(subject: Any, keys: list[str], each: int, tally: Tally) -> None:
    async def write_one(key: str) -> None:
        for _ in range(each):
            if not tally.is_over:
                with tally.call():
                    await subject.async_append(key)

    await asyncio.gather(*map(write_one, keys))


def _prepare(subject: Any, names: list[str]) -> None:
    """Create the conversations, so that all tables exist."""
    for name in names:
        subject.append(name)


def _write(opener: Any, keys: list[str], settings: Settings, gate: Any, results: Any) -> None:
    try:
        subject = opener()
        # In a running program the driver is already loaded and its connections are open.
        before = f"{keys[0]}: before {os.getpid()}"
        write(subject, [f"{before} {number}" for number in range(len(keys))], 3)
    except BaseException:
        gate.abort()  # the others must not wait
        raise
    gate.wait(_PATIENCE)
    tally = write(subject, keys, settings.appends_each, settings.seconds)
    results.put((tally.done, tally.errors))
    if hasattr(subject, "close"):
        subject.close()


def _count(subject: Any, names: list[str]) -> int | None:
    # The bare drivers have no call that reads.
    return sum(map(subject.read, names)) if hasattr(subject, "read") else None


if __name__ == "__main__":
    main()
