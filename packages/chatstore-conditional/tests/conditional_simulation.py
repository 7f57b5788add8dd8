"""One simulated run: clients of one conversation, whose steps are mixed, lost or late.

A client is a generator that yields what it asks of the database; a seed decides whose turn it is
and what becomes of the step. `python conditional_simulation.py SEED` runs a seed alone and prints it.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, NamedTuple
from unittest import mock

from conditional_consistency import needed
from conditional_linearizability import Call, Unknown, is_linearizable
from conditional_network import (
    KEY,
    NetworkError,
    SimulatedDatabase,
    SimulatedStore,
    Step,
)
from conditional_workload import Workload, circumstances, plan_of

from chatstore.conditional import changes, committing, effects, names, observing, tidying
from chatstore.conditional import entries as index
from chatstore.conditional import head as heads
from chatstore.conditional.head import EMPTY_LIFETIME, load
from chatstore.conditional.observing import NOTICED_TIME, STAGING_TIME
from chatstore.core import OutcomeUnknownError, StoreUnavailableError
from chatstore.core.backend import Plan, run


class Algorithm(NamedTuple):
    """What a run is of: the honest algorithm, or a mutant."""

    store: type[SimulatedStore] = SimulatedStore
    database: type[SimulatedDatabase] = SimulatedDatabase
    patches: Callable[[], AbstractContextManager[Any]] = nullcontext


HONEST = Algorithm()


class ViolationError(AssertionError):
    """A run that must not be."""


class Client:
    """A store, and the call that it is in."""

    def __init__(self, number: int, store: SimulatedStore, calls: int) -> None:
        """Begin with nothing."""
        self.number = number
        self.store = store
        self.calls = calls
        self.frozen = 0  # until that step others are faster
        self.plan: Plan[Any] | None = None
        self.call: Call | None = None
        self.step: Step | None = None


class Simulation:
    """A run; `simulate` is its whole use."""

    def __init__(self, seed: int, algorithm: Algorithm, log: Callable[[str], None]) -> None:
        """Prepare a run."""
        self.chance = random.Random(seed)
        self.log = log
        self.like = like = circumstances(self.chance)
        log(f"{like}")
        self.algorithm = algorithm
        self.database = algorithm.database(like.limits)
        self.workload = Workload(self.chance, like.sizes)
        self.now = 1_000_000.0
        self.time = 0  # in steps
        self.history: list[Call] = []
        self.late: list[tuple[int, Callable[[Any], Any]]] = []
        self.unknown = 0  # calls of which nobody can tell whether they took effect
        self.clients = [
            Client(n, self._store(like.skews[n]), like.calls) for n in range(like.clients)
        ]
        self.is_draining = False  # past an expiry, the clock jumps while no call is under way

    def run(self) -> int:
        """Run all clients to their ends; return how many calls said that they cannot tell."""
        for name, arguments in self.workload.prelude():
            self._alone(name, arguments)
        while alive := [c for c in self.clients if c.plan or (c.calls and not self.is_draining)]:
            self._turn(alive)
            if self.is_draining and not any(client.plan for client in self.clients):
                self._jump_between_calls()
        while self.late:
            self._land()
        self._alone("read", ())
        if not is_linearizable(self.history):
            raise ViolationError("no order of the calls explains their results")
        self._sweep()
        return self.unknown

    def _alone(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Carry a call out while nobody else does anything."""
        self.time += 1
        client = Client(-1, self._store(), 0)
        self._begin(client, name, arguments)
        while client.plan:
            self._act(client)

    def _store(self, skew: float = 0) -> SimulatedStore:
        return self.algorithm.store(self.database, ttl=self.like.ttl, clock=lambda: self.now + skew)

    def _turn(self, alive: list[Client]) -> None:
        self.time += 1
        chance = self.chance
        if self.late and chance.random() < 0.1:
            self._land()
        if self.like.jumps and chance.random() < self.like.jumps:
            if self.like.ttl is None and chance.random() < 0.5:
                self._pass(chance.choice([10, 150, 150, 300, STAGING_TIME + 1]))
                if chance.random() < 0.1:
                    self.late.clear()
                    self._pass(NOTICED_TIME)
            else:
                self.is_draining = True
        ready = [client for client in alive if client.frozen <= self.time] or alive
        weights = [self.like.weights[client.number] for client in ready]
        [client] = chance.choices(ready, weights)
        if chance.random() < 0.04:
            client.frozen = self.time + chance.randint(3, 60)
            return
        if client.plan is None:
            client.calls -= 1
            self._begin(client, *self.workload.next_call())
            return
        self._act(client, self._fate(client))

    def _fate(self, client: Client) -> str:
        if self.chance.random() >= self.like.faults or self.time > 2_000:
            return "acts"
        assert client.step is not None
        fates = ["fails", "loses", "loses", "crashes", "acts and crashes"]
        if client.step.kind == "commit":
            fates += ["late", "loses", "loses", "loses", "acts twice"]
        if client.step.kind in {"discard", "stage"}:
            fates += ["late", "acts twice"]
        return self.chance.choice(fates)

    def _begin(self, client: Client, name: str, arguments: tuple[Any, ...]) -> None:
        ttl = math.inf if self.like.ttl is None else self.like.ttl
        client.call = Call(
            client.number, name, arguments, self.time, math.inf, Unknown, self.now, ttl
        )
        client.plan = plan_of(client.store, name, arguments)
        self.log(f"{self.time} client {client.number} calls {name} {_short(arguments)}")
        random.seed(7)  # as programs do
        self._resume(client, next)

    def _act(self, client: Client, fate: str = "acts") -> None:
        step, plan = client.step, client.plan
        assert step is not None
        assert plan is not None
        result = None
        self.database.acting = client.number
        if fate in {"acts", "acts twice", "loses", "acts and crashes"}:
            result = step.act(None)
        self.log(f"{self.time} client {client.number} {step.kind} {fate} {_short(result)}")
        if fate in {"late", "acts twice"}:
            self.late.append((client.number, step.act))
        if fate in {"late", "loses"} and step.kind == "commit" and self.chance.random() < 0.5:
            client.frozen = self.time + self.chance.randint(10, 80)
        if fate in {"crashes", "acts and crashes"}:
            plan.close()
            client.calls = 0
            self._end(client, Unknown)
        elif fate in {"fails", "loses", "late"}:
            self._resume(client, lambda plan: plan.throw(NetworkError()))
        else:
            self._resume(client, lambda plan: plan.send(result))

    def _resume(self, client: Client, resume: Callable[[Plan[Any]], Any]) -> None:
        assert client.plan is not None
        try:
            client.step = resume(client.plan)
        except StopIteration as stop:
            self._end(client, stop.value)
        except (StoreUnavailableError, NetworkError) as error:
            self.unknown += isinstance(error, OutcomeUnknownError)
            self._end(client, Unknown)

    def _end(self, client: Client, result: Any) -> None:
        assert client.call is not None
        self.time += 1
        ended = math.inf if result is Unknown else self.time
        self.history.append(client.call._replace(result=result, ended=ended))
        client.plan = client.step = client.call = None
        self.log(f"{self.time} client {client.number} returns {_short(result)}")

    def _land(self) -> None:
        """Let a request arrive that its sender gave up long ago."""
        self.log(f"{self.time} a late request lands")
        self.database.acting, act = self.late.pop(self.chance.randrange(len(self.late)))
        self.database.is_late = True
        act(None)
        self.database.is_late = False

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self.database.monotonic += seconds
        self.log(f"{self.time} {seconds} s pass")

    def _jump_between_calls(self) -> None:
        self.time += 2
        jump = self.chance.choice([60, 101, STAGING_TIME + 1, *2 * [EMPTY_LIFETIME + 1]])
        self._pass(jump)
        self.late.clear()  # they carry an expiry of the past
        if self.chance.random() < 0.5:
            self.database.let_die(jump)
        elif jump > EMPTY_LIFETIME:
            self.workload.planned = [("purge", ())]  # it meets what others write
        self.is_draining = False
        self.log(f"{self.time} the clock jumps")
        self.history.append(Call(-1, "jump", (), self.time - 1, self.time, None, self.now))

    def _sweep(self) -> None:
        """Let somebody come back much later and clean up: nothing is left that is not needed."""
        self._pass(STAGING_TIME)
        store = self._store()
        for name in ("purge", "delete", "purge"):
            run(_plainly(plan_of(store, name, ())), None)
            self._pass(STAGING_TIME)
            run(_plainly(plan_of(store, "purge", ())), None)
            if KEY in self.database.heads:
                self._check_rest(load(self.database.heads[KEY][0]))

    def _check_rest(self, head: heads.Head) -> None:
        if head.garbage or head.stagings or head.unmarked:
            raise ViolationError(f"the head still names something: {head}")
        if not head.entries and self.database.lifetimes[KEY] != EMPTY_LIFETIME:
            raise ViolationError(f"the head stays: {head}")
        records = self.database.records.get(KEY, {})
        lost = records.keys() - needed(head, records) - self.database.belated
        if lost:
            raise ViolationError(f"records are left that nobody names: {lost}")


def simulate(
    seed: int, algorithm: Algorithm = HONEST, log: Callable[[str], None] = lambda _: None
) -> int:
    """Run a seed; return how many calls said that they cannot tell whether they took effect.

    Raises:
        ViolationError: Naming the seed, and what went wrong.

    """
    before = random.getstate()
    try:
        with ExitStack() as patches:
            patches.enter_context(
                mock.patch.object(names, "token_bytes", random.Random(seed).randbytes)
            )
            patches.enter_context(algorithm.patches())
            simulation = Simulation(seed, algorithm, log)
            for target, name, value in _settings(simulation):
                patches.enter_context(mock.patch.object(target, name, value))
            return simulation.run()
    except Exception as error:
        raise ViolationError(f"seed {seed}: {type(error).__name__}: {error}") from error
    finally:
        random.setstate(before)


def _settings(simulation: Simulation) -> list[tuple[Any, str, Any]]:
    """Return what is smaller in a run than in use, so that rare things happen in short ones."""
    like = simulation.like

    def monotonic() -> float:
        return simulation.database.monotonic

    marked = committing.marked

    def marked_later(commit: Any, messages: Any, number: int, room: int) -> changes.Commit:
        return marked(commit, messages, number, min(room, like.markers))

    return [
        (committing, "monotonic", monotonic),
        (observing, "monotonic", monotonic),
        (committing, "marked", marked_later),
        (committing, "REMEMBERED", like.remembered),
        (effects, "REMEMBERED", like.remembered),
        (committing, "_STAGED_AT_ONCE", like.at_once),
        (tidying, "AT_ONCE", like.at_once),
        (heads, "_NEAR", like.near),
        *zip(3 * [index], ("HEAD_ENTRIES", "NODE_ENTRIES", "FOLDED"), like.tree, strict=True),
    ]


def _plainly(plan: Plan[Any]) -> Plan[Any]:
    """Return a plan whose steps the usual driver runs."""
    step = next(plan, None)
    while step is not None:
        result = yield step.act
        try:
            step = plan.send(result)
        except StopIteration:
            step = None


def _short(value: Any) -> str:
    text = repr(value)
    while "xxx" in text:
        text = text.replace("xxx", "x")
    return text


if __name__ == "__main__":
    simulate(int(sys.argv[1]), log=print)
