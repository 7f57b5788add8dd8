"""One soak: a process makes calls, this one makes faults and checks what is stored."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import soak_samples
from soak_ledger import State
from soak_samples import Sample
from soak_servers import DATABASES, Database
from soak_worker import Calls, Phase, Settings, work

from chatstore.core import ChatStore, open_store

# The C library keeps free memory for each thread and never returns it, which looks like a leak.
_TUNABLES = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1"}
_CONTEXT = multiprocessing.get_context("spawn")
_FAULTS = (40, 400)  # calls between two faults
_LONGEST_FAULT = 1.0  # seconds; a fault ends earlier when some calls have ended
_HANG = 300.0  # seconds without a call that ends
_RESTARTED = 50  # phases, in the second of which the server crashes
_SHOWN = 10  # violations of a phase


@dataclass
class Result:
    """What a soak shows.

    Attributes:
        database: The database's name.
        seconds: How long it took.
        phases: How many phases it had.
        outcomes: How calls of writers and readers ended.
        answered: Appends that were answered.
        abandoned: Appends that were cancelled or failed and were not repeated.
        messages: Messages that were checked.
        faults: How often each fault happened.
        samples: What the process with the store used after each phase.
        violations: What must not happen.

    """

    database: str
    seconds: float = 0.0
    phases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    abandoned: int = 0
    messages: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def soak(
    name: str, calls: int, goes_on: Callable[[int, float], bool], breakage: str | None = None
) -> Result:
    """Let a store's callers and faults work for some phases.

    Args:
        name: The database.
        calls: The calls of each writer in a phase.
        goes_on: Returns whether another phase follows, of the number of phases and the seconds.
        breakage: What is wrong with the store, for tests.

    """
    logging.getLogger("chatstore").setLevel(logging.CRITICAL)  # faults are expected
    with DATABASES[name]() as database, open_store(database.direct) as direct:
        direct.count_messages("k")  # the tables exist
        here, there = _CONTEXT.Pipe()
        settings = Settings(database.url, calls, breakage)
        process = _CONTEXT.Process(target=work, args=(settings, there), daemon=True)
        with _environment(_TUNABLES):
            process.start()
        there.close()
        soaking = _Soak(Result(name), database, direct, here)
        try:
            soaking.run(goes_on)
            process.join(_HANG)
        except EOFError:
            soaking.result.violations.append("the process with the store ended")
        finally:
            process.kill()
        database.end_fault()
        soaking.check_leftovers()
    return soaking.result


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Soak:
    def __init__(
        self,
        result: Result,
        database: Database,
        direct: ChatStore,
        connection: Connection[Any, Any],
    ) -> None:
        self.result = result
        self._database = database
        self._direct = direct
        self._connection = connection
        self._dice = random.Random(7)
        self._abandoned: set[tuple[str, str]] = set()  # keys and ids

    def run(self, goes_on: Callable[[int, float], bool]) -> None:
        """Run phases until it is enough, or something is wrong."""
        result, start = self.result, time.monotonic()
        while True:
            phase = self._wait_for_phase()
            if phase is None:
                return
            self._database.end_fault()
            self._check(phase)
            result.phases += 1
            result.seconds = time.monotonic() - start
            continues = not result.violations and goes_on(result.phases, result.seconds)
            self._connection.send(continues)
            if not continues:
                result.violations += soak_samples.growth(result.samples)
                return

    def _wait_for_phase(self) -> Phase | None:
        """Make faults until the phase ends."""
        restart = self._database.restart if self.result.phases % _RESTARTED == 1 else None
        next_fault = _FAULTS[0] if restart else self._dice.randint(*_FAULTS)
        changed = time.monotonic()
        while time.monotonic() < changed + _HANG:
            count = 0
            if self._connection.poll(_LONGEST_FAULT):
                event = self._connection.recv()
                if isinstance(event, Phase):
                    return event
                assert isinstance(event, Calls)
                count, changed = event.ended, time.monotonic()
            self._database.end_fault()
            if count < next_fault:
                continue
            next_fault = count + self._dice.randint(*_FAULTS)
            name, fault = self._dice.choice(list(self._database.faults.items()))
            if restart is not None:
                name, fault, restart = "restart", restart, None
            fault()
            self.result.faults[name] += 1
        self.result.violations.append(f"no call ended for {_HANG:.0f} s")
        return None

    def _check(self, phase: Phase) -> None:
        """Compare what is stored with what was answered, and delete it."""
        result, violations = self.result, list(phase.violations)
        for ledger in phase.ledgers:
            stored = self._direct.get_messages(ledger.key)
            violations += [f"{ledger.key}: {one}" for one in ledger.violations(stored)]
            if self._direct.count_messages(ledger.key) != len(stored):
                violations.append(f"{ledger.key}: the count is not that of the messages")
            result.messages += len(stored)
            result.answered += ledger.count(State.ANSWERED)
            result.abandoned += ledger.count(State.ABANDONED)
            visible = {message.id for message in stored}
            self._abandoned |= {
                (ledger.key, one) for one in ledger.abandoned_ids() if one not in visible
            }
            self._direct.delete_messages(ledger.key)
        result.violations += violations[:_SHOWN]
        result.outcomes += phase.outcomes
        connections = self._database.connections()
        result.samples.append(phase.sample._replace(connections=connections))
        self._database.end_phase()

    def check_leftovers(self) -> None:
        """Check that nothing is stored but abandoned calls that took effect after the check."""
        for key in self._direct.iter_keys():
            for message in self._direct.iter_messages(key):
                if (key, str(message.id)) not in self._abandoned:
                    self.result.violations.append(f"{key}: {message.id} is stored after its end")
