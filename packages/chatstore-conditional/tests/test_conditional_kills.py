"""Writers that are killed: their writes take effect or not, and leftovers are deleted."""

from __future__ import annotations

import os
import random
from collections.abc import Generator
from typing import Any

import pytest
from conditional_consistency import locate, needed
from conditional_id_mutants import with_all_markers
from conditional_network import KEY, SimulatedBackend, SimulatedDatabase, record
from conditional_workload import plan_of

from chatstore.conditional import Limits, abandoned, garbage, removing
from chatstore.conditional.abandoned import STAGING_TIME
from chatstore.conditional.encoding import load_first_part
from chatstore.conditional.head_json import load_head
from chatstore.conditional.names import record_id
from chatstore.conditional.testing import MemoryDatabase
from chatstore.core.backend import Record

KILLS = 2_000 if os.environ.get("CHATSTORE_SOAK") else 200
LIMITS = Limits(24, 4_000, 1_500)


def named(prefix: str, count: int, size: int = 0) -> tuple[Record, ...]:
    return tuple(record(f"{prefix}{n}", size, has_caller_id=True) for n in range(count))


CallOf = tuple[str, tuple[Any, ...]]
PREPARED: list[CallOf] = [("replace", (named("p", 60),)), *[("remove", (n,)) for n in range(1, 30)]]
CALLS: dict[str, CallOf] = {
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
    "remove by id": ("remove", ("p40",)),
    "delete": ("delete", ()),
    "put": ("put", (record("p40", 0, has_caller_id=True), False)),
    "put a large one": ("put", (record("p40", 9_000, has_caller_id=True), False)),
    "put a large one at the end": ("put", (record("p40", 9_000, has_caller_id=True), True)),
    "truncate": ("truncate", ("p58",)),
    "truncate many": ("truncate", ("p32",)),
    "truncate all": ("truncate", ("p0",)),
    "rename": ("update", (None, "t" * 400, None)),
}


class Passing:
    """The time in seconds."""

    now = 0.0


class Run:
    """A conversation in memory, and writers that can be killed at any step."""

    def __init__(self, passing: Passing, database: MemoryDatabase | None = None) -> None:
        self.database = database or SimulatedDatabase(LIMITS)
        self.passing = passing

    def backend(self) -> SimulatedBackend:
        return SimulatedBackend(self.database)

    def call(
        self,
        name: str,
        arguments: tuple[Any, ...],
        steps: int | None = None,
        *,
        acts: bool = False,
    ) -> bool:
        """Carry out a call; kill it after some steps. Return whether it had ended before."""
        plan = plan_of(self.backend(), name, arguments)
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

    def copy(self) -> Run:
        """Return a copy of the conversation."""
        assert isinstance(self.database, SimulatedDatabase)
        return Run(self.passing, self.database.copy())

    def contents(self) -> list[str]:
        if KEY not in self.database.heads:
            return []
        head = load_head(self.database.heads[KEY][0])
        records = self.database.records[KEY]
        locations, _ = locate(head, records)
        names = [record_id(head.stream, location.number) for location in locations]
        return [load_first_part(records[name]).body for name in names]

    def clean_up(self) -> set[str]:
        """Purge, as a program does from time to time; return the records that are left over."""
        backend = self.backend()
        for _ in range(2):
            _finish(plan_of(backend, "purge", ()))
            self.passing.now += STAGING_TIME
        if KEY not in self.database.heads:
            return set(self.database.records.get(KEY, ()))
        head = load_head(self.database.heads[KEY][0])
        assert not head.stagings
        assert not head.garbage
        records = self.database.records[KEY]
        return records.keys() - needed(head, records)


def _act(step: Any) -> Any:
    return step(None)


def _finish(plan: Generator[Any, Any, object]) -> None:
    try:
        step = next(plan)
        while True:
            step = plan.send(_act(step))
    except StopIteration:
        return


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Passing:
    """Return the time of `monotonic`, which a test sets."""
    passing = Passing()
    monkeypatch.setattr(abandoned, "monotonic", lambda: passing.now)
    return passing


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_a_writer_killed_at_any_step_leaves_nothing(
    passing: Passing, name: str, acts: bool
) -> None:
    prepared = Run(passing)
    for call in PREPARED:
        prepared.call(*call)
    whole = prepared.copy()
    whole.call(*CALLS[name])
    for steps in range(10_000):
        killed = prepared.copy()
        has_ended = killed.call(*CALLS[name], steps, acts=acts)
        left = killed.contents()
        assert (
            left == whole.contents()
            if has_ended
            else left in (whole.contents(), prepared.contents())
        )
        assert killed.clean_up() == set()
        assert killed.contents() == left
        if has_ended:
            return
    raise AssertionError


def test_kills_at_random_moments_of_large_writes(passing: Passing) -> None:
    chance = random.Random(7)
    killed = Run(passing, MemoryDatabase(LIMITS))
    expected = 0
    for number in range(KILLS):
        messages = named(f"{number}.", 60)
        has_ended = killed.call(
            "append", (messages,), chance.randrange(150), acts=chance.random() < 0.5
        )
        heads = killed.database.heads
        count = load_head(heads[KEY][0]).length if heads else 0
        assert count in {expected, expected + 60}
        assert count == expected + 60 or not has_ended
        expected = count
    before = len(killed.database.records[KEY])
    assert killed.clean_up() == set()
    after = len(killed.database.records[KEY])

    print(f"{KILLS} kills: {expected} messages; {before} records, {after} after cleaning up")
    nodes = sum("_." in name for name in killed.database.records[KEY])
    assert after == 2 * expected + 1 + nodes  # messages, their markers, the seal


def add_truncated_again(passing: Passing, name: str) -> None:
    """Truncate, end the process at any step, and add truncated ids again."""
    prepared = Run(passing)
    for call in PREPARED:
        prepared.call(*call)
    before = prepared.contents()
    again = tuple(record(one, 5, has_caller_id=True) for one in ("p58", "p59"))
    for steps in range(10_000):
        killed = prepared.copy()
        has_ended = killed.call(*CALLS[name], steps)
        left = killed.contents()
        if left != before:
            killed.call("append", (again,))
            assert killed.contents() == [*left, *(one.body for one in again)]
            killed.call("append", (again[:1],))
            killed.call("remove", ("p59",))
            assert killed.contents() == [*left, again[0].body]
            assert killed.clean_up() == set()
        if has_ended:
            return
    raise AssertionError


@pytest.mark.parametrize("name", ["truncate many", "truncate"])
def test_truncated_ids_may_be_added_again_before_their_messages_are_deleted(
    passing: Passing, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(removing, "OTHER_OPERATIONS", 100)  # all become garbage
    add_truncated_again(passing, name)


def test_deleting_markers_that_lead_to_other_messages_by_now_is_noticed(
    passing: Passing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "OTHER_OPERATIONS", 100)
    monkeypatch.setattr(garbage, "_without_markers", with_all_markers)
    with pytest.raises(AssertionError):
        add_truncated_again(passing, "truncate many")
