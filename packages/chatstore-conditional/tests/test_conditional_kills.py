"""Writers that are killed: what they wrote is there or not, and what is left is reclaimed."""

from __future__ import annotations

import os
import random

import pytest
from conditional_consistency import needed, places
from conditional_network import KEY, SimulatedDatabase, SimulatedStore, record
from conditional_workload import plan_of

from chatstore.conditional import Limits, observing, texts
from chatstore.conditional.head import load
from chatstore.conditional.names import record_id
from chatstore.conditional.observing import STAGING_TIME
from chatstore.conditional.testing import MemoryDatabase

KILLS = 2_000 if os.environ.get("CHATSTORE_SOAK") else 200
LIMITS = Limits(24, 4_000, 1_500)


def named(prefix, count, size=0):
    return tuple(record(f"{prefix}{n}", size, has_caller_id=True) for n in range(count))


PREPARED = [("replace", (named("p", 60),)), *[("remove", (n,)) for n in range(1, 30)]]
CALLS = {
    "append": ("append", (named("a", 1),)),
    "append several": ("append", (named("a", 15),)),
    "append many": ("append", (named("a", 40),)),
    "append a large one": ("append", (named("a", 1, 9_000),)),
    "append many large ones": ("append", (named("a", 5, 4_000),)),
    "insert": ("insert", (3, record("a0", 0, has_caller_id=True))),
    "insert a large one": ("insert", (3, record("a0", 9_000, has_caller_id=True))),
    "replace": ("replace", (named("a", 2),)),
    "replace by many": ("replace", (named("a", 40),)),
    "remove": ("remove", (2,)),
    "delete": ("delete", ()),
}


class Run:
    """A conversation in memory, and writers that can be killed at any step."""

    def __init__(self, passing, database=None):
        self.database = database or SimulatedDatabase(LIMITS)
        self.passing = passing

    def store(self):
        return SimulatedStore(self.database)

    def call(self, name, arguments, steps=None, *, acts=False):
        """Carry a call out; kill it after so many steps. Return whether it had ended before."""
        plan = plan_of(self.store(), name, arguments)
        try:
            step = next(plan)
            while steps is None or steps > 0:
                step = plan.send(_act(step))
                steps = None if steps is None else steps - 1
            if acts:
                _act(step)
        except StopIteration:
            return True
        plan.close()
        return False

    def copy(self):
        """Return the same conversation, to be changed on its own."""
        return Run(self.passing, self.database.copy())

    def contents(self):
        if KEY not in self.database.heads:
            return []
        head = load(self.database.heads[KEY][0])
        records = self.database.records[KEY]
        found, _ = places(head, records)
        return [texts.load(records[record_id(head.stream, place.number)]).body for place in found]

    def sweep(self):
        """Purge, as a program does from time to time; return what is left that is not needed."""
        store = self.store()
        for _ in range(2):
            _finish(plan_of(store, "purge", ()))
            self.passing.now += STAGING_TIME
        if KEY not in self.database.heads:
            return set(self.database.records.get(KEY, ()))
        head = load(self.database.heads[KEY][0])
        assert not head.stagings
        assert not head.garbage
        records = self.database.records[KEY]
        return records.keys() - needed(head, records)


def _act(step):
    return getattr(step, "act", step)(None)


def _finish(plan):
    try:
        step = next(plan)
        while True:
            step = plan.send(_act(step))
    except StopIteration:
        return


@pytest.fixture
def passing(monkeypatch):
    """Return what time it is for `monotonic`."""

    class Time:
        now = 0.0

    monkeypatch.setattr(observing, "monotonic", lambda: Time.now)
    return Time


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_a_writer_killed_at_any_step_leaves_nothing(passing, name, acts):
    prepared = Run(passing)
    for call in PREPARED:
        prepared.call(*call)
    whole = prepared.copy()
    whole.call(*CALLS[name])
    for steps in range(10_000):
        kept = prepared.copy()
        has_ended = kept.call(*CALLS[name], steps, acts=acts)
        left = kept.contents()
        assert (
            left == whole.contents()
            if has_ended
            else left in (whole.contents(), prepared.contents())
        )
        assert kept.sweep() == set()
        assert kept.contents() == left
        if has_ended:
            return
    raise AssertionError


def test_kills_at_random_moments_of_large_writes(passing):
    chance = random.Random(7)
    kept = Run(passing, MemoryDatabase(LIMITS))
    expected = 0
    for number in range(KILLS):
        messages = named(f"{number}.", 60)
        has_ended = kept.call(
            "append", (messages,), chance.randrange(150), acts=chance.random() < 0.5
        )
        heads = kept.database.heads
        count = load(heads[KEY][0]).length if heads else 0
        assert count in {expected, expected + 60}
        assert count == expected + 60 or not has_ended
        expected = count
    before = len(kept.database.records[KEY])
    assert kept.sweep() == set()
    after = len(kept.database.records[KEY])

    print(f"{KILLS} kills: {expected} messages; {before} records, {after} after the sweep")
    nodes = sum("_." in name for name in kept.database.records[KEY])
    assert after == 2 * expected + 1 + nodes  # messages, their markers, the seal
