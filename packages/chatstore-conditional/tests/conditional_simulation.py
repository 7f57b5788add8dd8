"""One simulated run: clients of one conversation, whose steps are mixed, lost or late.

A client runs a plan. A seed decides which client acts next, and what happens to its step.
`python conditional_simulation.py SEED` runs one seed and prints its steps.
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
from conditional_interleaving import interleaved
from conditional_linearizability import Call, Unknown, is_linearizable
from conditional_network import (
    KEY,
    PATIENCE,
    NetworkError,
    SimulatedBackend,
    SimulatedDatabase,
    Step,
)
from conditional_workload import Workload, circumstances, plan_of

from chatstore.conditional import (
    Limits,
    abandoned,
    change,
    commit,
    details,
    garbage,
    lost_replies,
    names,
    removing,
    staging,
    times,
)
from chatstore.conditional import entries as index
from chatstore.conditional import head as heads
from chatstore.conditional.abandoned import NOTICED_TIME, STAGING_TIME
from chatstore.conditional.head import EMPTY_LIFETIME
from chatstore.conditional.head_json import load_head
from chatstore.core import OutcomeUnknownError, StoreUnavailableError
from chatstore.core.backend import Plan, run
from chatstore.core.logs import logger


class Algorithm(NamedTuple):
    """The algorithm of a run: the real one, or a mutant."""

    backend: type[SimulatedBackend] = SimulatedBackend
    database: type[SimulatedDatabase] = SimulatedDatabase
    patches: Callable[[], AbstractContextManager[Any]] = nullcontext


REAL = Algorithm()


class ViolationError(AssertionError):
    """The algorithm broke a promise."""


class Client:
    """A backend, and the call that it is carrying out."""

    def __init__(self, number: int, backend: SimulatedBackend, calls: int) -> None:
        """Start without a call."""
        self.number = number
        self.backend = backend
        self.calls = calls
        self.frozen = 0  # until this step other clients are faster
        self.plan: Plan[Any, Any] | None = None
        self.call: Call | None = None
        self.step: Step | None = None


class Simulation:
    """A run; see `simulate`."""

    def __init__(self, seed: int, algorithm: Algorithm, log: Callable[[str], None]) -> None:
        """Prepare a run."""
        self.chance = random.Random(seed)
        self.mixing = random.Random(f"mixing {seed}")  # what one call does at the same time
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
        self.unknown = 0  # calls whose outcome nobody can tell
        self.clients = [
            Client(n, self._backend(like.skews[n]), like.calls) for n in range(like.clients)
        ]
        self.is_draining = False  # past an expiry, the clock jumps while no call is under way

    def run(self) -> int:
        """Run all clients to their ends; return how many calls had an unknown outcome."""
        for name, arguments in self.workload.prelude():
            self._alone(name, arguments)
        while alive := [c for c in self.clients if c.plan or (c.calls and not self.is_draining)]:
            self._advance(alive)
            if self.is_draining and not any(client.plan for client in self.clients):
                self._jump_between_calls()
        while self.late:
            self._land()
        self._alone("read", ())
        self._alone("look", ())
        self._check_lists()
        if not is_linearizable(self.history):
            raise ViolationError("no order of the calls explains their results")
        self._clean_up()
        return self.unknown

    def _alone(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Carry out a call while no other client acts."""
        self.time += 1
        client = Client(-1, self._backend(), 0)
        self._begin(client, name, arguments)
        while client.plan:
            self._act(client)

    def _backend(self, skew: float = 0) -> SimulatedBackend:
        return self.algorithm.backend(
            self.database,
            ttl=self.like.ttl,
            patience=PATIENCE,
            clock=lambda: self.now + skew,
        )

    def _advance(self, alive: list[Client]) -> None:
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
        expected = self.workload.expected_revision(name)
        client.call = Call(
            client.number, name, arguments, self.time, math.inf, Unknown, self.now, ttl, expected
        )
        plan = plan_of(client.backend, name, arguments, expected)
        client.plan = interleaved(plan, self.mixing)
        self.log(f"{self.time} client {client.number} calls {name} {_short(arguments)}")
        random.seed(7)  # as programs do
        self._resume(client, next)

    def _act(self, client: Client, fate: str = "acts") -> None:
        step, plan = client.step, client.plan
        assert step is not None
        assert plan is not None
        result = None
        self.database.situation.acting = client.number
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

    def _resume(self, client: Client, resume: Callable[[Plan[Any, Any]], Any]) -> None:
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
        if result is not Unknown:
            self.workload.learn(self.history[-1])
        client.plan = client.step = client.call = None
        self.log(f"{self.time} client {client.number} returns {_short(result)}")

    def _land(self) -> None:
        """Let a request arrive that its client gave up long ago."""
        self.log(f"{self.time} a late request lands")
        self.database.situation.acting, act = self.late.pop(self.chance.randrange(len(self.late)))
        self.database.situation.is_late = True
        act(None)
        self.database.situation.is_late = False

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self.database.situation.monotonic += seconds
        self.log(f"{self.time} {seconds} s pass")

    def _jump_between_calls(self) -> None:
        self.time += 2
        jump = self.chance.choice([60, 101, STAGING_TIME + 1, *2 * [EMPTY_LIFETIME + 1]])
        self._pass(jump)
        self.late.clear()  # they carry an expiry of the past
        if self.chance.random() < 0.5:
            self.database.expire_heads(jump)
        elif jump > EMPTY_LIFETIME:
            self.workload.plan_purge()
        self.is_draining = False
        self.log(f"{self.time} the clock jumps")
        self.history.append(Call(-1, "jump", (), self.time - 1, self.time, None, self.now))

    def _check_lists(self) -> None:
        """An owner's list has the conversation if it is the owner's."""
        backend = self._backend()
        [stored] = run(backend.read_conversations([KEY]), None)
        for owner in ("ada", "ben"):
            page = run(backend.list_owned(owner, 10, None), None)
            is_owner = stored is not None and stored.record.owner == owner
            if [key for key, _ in page.conversations] != [KEY] * is_owner:
                raise ViolationError(
                    f"the list of {owner} has {page}, the conversation is {stored}"
                )

    def _clean_up(self) -> None:
        """Let a process clean up much later: no record is left that is not needed."""
        self._pass(STAGING_TIME)
        backend = self._backend()
        for name in ("purge", "delete", "purge"):
            run(interleaved(plan_of(backend, name, ()), self.mixing), None)
            self._pass(STAGING_TIME)
            run(interleaved(plan_of(backend, "purge", ()), self.mixing), None)
            for database in (self.database, self.database.owner_lists()):
                for key, (text, _) in database.heads.items():
                    self._check_rest(database, key, load_head(text))

    def _check_rest(self, database: SimulatedDatabase, key: str, head: heads.Head) -> None:
        if head.garbage or head.stagings or head.unmarked:
            raise ViolationError(f"the head still refers to something: {head}")
        if not head.exists and database.lifetimes[key] != EMPTY_LIFETIME:
            raise ViolationError(f"the head stays: {head}")
        records = database.records.get(key, {})
        lost = records.keys() - needed(head, records) - database.belated
        if lost:
            raise ViolationError(f"records are left that nothing refers to: {lost}")


def simulate(
    seed: int, algorithm: Algorithm = REAL, log: Callable[[str], None] = lambda _: None
) -> int:
    """Run a seed; return how many calls had an unknown outcome.

    Raises:
        ViolationError: The algorithm broke a promise; the message names the seed.

    """
    before = random.getstate()
    try:
        with ExitStack() as patches:
            patches.enter_context(
                mock.patch.object(names, "token_bytes", random.Random(seed).randbytes)
            )
            patches.enter_context(mock.patch.object(logger, "disabled", new=True))
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
    """Return constants that are smaller in a run, so that rare things happen in short runs."""
    like = simulation.like

    def monotonic() -> float:
        return simulation.database.situation.monotonic

    with_markers = commit.with_markers

    def with_few_markers(
        item: commit.Commit, messages: Any, number: int, limits: Limits
    ) -> commit.Commit:
        most = 1 + len(item.puts) + len(item.deletes) + like.markers
        limits = limits._replace(operations=min(limits.operations, most))
        return with_markers(item, messages, number, limits)

    tree = ("HEAD_ENTRIES", "NODE_ENTRIES", "FOLDED_ENTRIES")
    return [
        (staging, "monotonic", monotonic),
        (abandoned, "monotonic", monotonic),
        (change, "with_markers", with_few_markers),
        (change, "REMEMBERED", like.remembered),
        (lost_replies, "REMEMBERED", like.remembered),
        (staging, "BATCH", like.batch),
        (garbage, "BATCH", like.batch),
        (heads, "_NEAR", like.near),
        (times, "_SAMPLES", like.search[0]),
        (times, "_FEW", like.search[1]),
        (details, "MAX_IN_HEAD", like.in_head),
        (removing, "OTHER_OPERATIONS", like.others),
        *zip(3 * [index], tree, like.tree, strict=True),
    ]


def _short(value: Any) -> str:
    text = repr(value)
    while "xxx" in text:
        text = text.replace("xxx", "x")
    return text


if __name__ == "__main__":
    simulate(int(sys.argv[1]), log=print)
