"""The process with the store: 64 tasks and some threads make calls, in phases.

It is a process of its own, so that its memory and files are those of the store and its callers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import soak_samples
from soak_broken import broken
from soak_ledger import Ledger
from soak_samples import Sample
from soak_writers import Work, read, write

from chatstore.core import open_store

_REPORTED = 25  # calls
# Its connections log this if they are cancelled while they ask for TLS.
_OF_ASYNCPG = "unexpected connection_lost() call"


class Group(NamedTuple):
    """The callers of one conversation.

    Attributes:
        writers: The number of writers of each kind.
        reader: The kind of the reader; ``None``: there is none.

    """

    writers: dict[str, int]
    reader: str | None = None


GROUPS = [
    Group({"task": 16, "thread": 2, "loop": 1}, "task"),
    *[Group({"task": 4, "thread": 1}, kind) for kind in ("task", "thread", "task", "loop")],
    *[Group({"task": 1}, "task")] * 4,
    *[Group({"task": 1})] * 28,
    *[Group({"thread": 1})] * 2,
    Group({"loop": 1}),
]
TASKS = sum(group.writers.get("task", 0) for group in GROUPS)
_THREADS = 16  # at least the number of writers and readers that use one


@dataclass(frozen=True)
class Settings:
    """What the process does.

    Attributes:
        url: The store's URL.
        calls: The calls of each writer in a phase.
        breakage: What is wrong with the store, for tests.

    """

    url: str
    calls: int
    breakage: str | None = None


class Calls(NamedTuple):
    """How many calls have ended in this phase."""

    ended: int


class Phase(NamedTuple):
    """What happened in a phase."""

    ledgers: list[Ledger]
    outcomes: Counter[str]
    violations: list[str]
    sample: Sample


def work(settings: Settings, connection: Connection[Any, Any]) -> None:
    """Run phases until the other process says that it is enough."""
    logging.getLogger("chatstore").setLevel(logging.CRITICAL)  # faults are expected
    log = _Log()
    logging.getLogger("asyncio").addHandler(log)
    asyncio.run(_work(settings, connection, log))


class _Log(logging.Handler):
    """Collects what event loops log: errors of futures that nobody waits for."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.getMessage()} {record.exc_info and record.exc_info[1]!r}"
        if _OF_ASYNCPG not in text:
            self.lines.append(f"an event loop logged: {text}")


async def _work(settings: Settings, connection: Connection[Any, Any], log: _Log) -> None:
    store = open_store(settings.url)
    if settings.breakage is not None:
        store = broken(store, settings.breakage)
    number = 0
    with ThreadPoolExecutor(_THREADS) as threads:
        async with store:
            while True:
                shared = Work(store, threads, _reporter(connection))
                ledgers = await _phase(shared, settings.calls, number)
                sample = soak_samples.take()
                violations, log.lines = [*shared.violations, *log.lines], []
                connection.send(Phase(ledgers, shared.outcomes, violations, sample))
                del shared, ledgers, violations
                if not connection.recv():
                    return
                number += 1


def _reporter(connection: Connection[Any, Any]) -> Any:
    """Return a function that reports every few calls."""
    count = 0

    def report() -> None:
        nonlocal count
        count += 1
        if count % _REPORTED == 0:
            connection.send(Calls(count))

    return report


async def _phase(shared: Work, calls: int, number: int) -> list[Ledger]:
    """Let all groups work on new conversations."""
    ledgers = [Ledger(f"phase-{number}-group-{index}") for index in range(len(GROUPS))]
    await asyncio.gather(
        *(
            _converse(shared, ledger, group, calls)
            for ledger, group in zip(ledgers, GROUPS, strict=True)
        )
    )
    return ledgers


async def _converse(shared: Work, ledger: Ledger, group: Group, calls: int) -> None:
    ended = asyncio.Event()
    reading = [read(shared, ledger, group.reader, ended)] if group.reader else []
    readers = [asyncio.ensure_future(one) for one in reading]
    await asyncio.gather(
        *(
            write(shared, ledger, f"{kind}{index}", kind, _share(kind, calls))
            for kind, count in group.writers.items()
            for index in range(count)
        )
    )
    ended.set()
    await asyncio.gather(*readers)


def _share(kind: str, calls: int) -> int:
    """Return the number of calls of a writer: those with an event loop of their own take longer."""
    return max(1, calls // 4) if kind == "loop" else calls
