"""What clients do in a simulated run, and under which circumstances, all from a seed."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from conditional_network import KEY, SimulatedStore, record

from chatstore.conditional import Limits
from chatstore.core.backend import Plan, Record

_LIMITS = [
    (Limits(100, 400_000, 100_000), (0, 40)),
    (Limits(24, 4_000, 1_500), (0, 900, 2_000)),
    (Limits(24, 900, 300), (0, 0, 350)),
    (Limits(24, 500, 300), (0, 0, 0, 350)),
]
_TREES = [(24, 32, 16), (3, 4, 2), (2, 3, 2)]
_OF_A_STORE = "019aa0000000" + 20 * "7"  # as `codec.new_id` gives them, of November 2025


class Circumstances(NamedTuple):
    """What a run is like.

    Attributes:
        limits: Of the database.
        sizes: Of messages, in bytes.
        ttl: Of conversations, in seconds.
        tree: Entries of a head and of a node, and how many make a node.
        remembered: Requests that a head remembers.
        at_once: Records that are staged or discarded at once.
        near: Numbers between ranges that are discarded as one.
        markers: How many fit into the commit of their messages.
        skews: Seconds by which the clients' clocks are wrong.
        clients: How many.
        calls: How many each of them makes.
        faults: The probability that a step fails.
        jumps: The probability that the clock jumps at a step.
        weights: How often each client gets its turn.

    """

    limits: Limits
    sizes: tuple[int, ...]
    ttl: float | None
    tree: tuple[int, int, int]
    remembered: int
    at_once: int
    near: int
    markers: int
    skews: list[float]
    clients: int
    calls: int
    faults: float
    jumps: float
    weights: list[float]


def circumstances(chance: random.Random) -> Circumstances:
    """Return what a run is like."""
    limits, sizes = chance.choice(_LIMITS)
    clients = chance.choice([2, 2, 3, 3, 4])
    ttl = chance.choice([None, None, None, 100.0])
    return Circumstances(
        limits,
        sizes,
        ttl,
        tree=chance.choice(_TREES),
        remembered=chance.choice([1, 2, 24]),
        at_once=chance.choice([1, 2, 200]),
        near=chance.choice([0, 1000]),
        markers=chance.choice([0, 1, 100]),
        # A wrong clock ends conversations early or late; the model of a list does not know that.
        skews=[chance.choice([0, 0, 900, -86_400, 86_400]) if ttl is None else 0 for _ in range(4)],
        clients=clients,
        calls=chance.choice([3, 4, 5, 8]) if clients < 4 else 3,
        faults=chance.choice([0, 0.05, 0.15, 0.3]),
        jumps=chance.choice([0, 0.04, 0.1]),
        weights=[chance.choice([1, 1, 4]) for _ in range(clients)],
    )


class Workload:
    """Chooses calls."""

    def __init__(self, chance: random.Random, sizes: tuple[int, ...]) -> None:
        """Choose what this run likes to do."""
        self._chance = chance
        self._sizes = sizes
        self._count = 0
        self._given = False
        self.planned: list[tuple[str, tuple[Any, ...]]] = []
        # Some runs mostly append, others mostly remove and so on: rare meetings become likely.
        names = ["append", "append", "insert", "replace", "remove", "delete", "purge"]
        self._names = [*names, "read", "window", "count", *chance.choices(names, k=8)]
        if chance.random() < 0.25:
            self._names = ["append", "delete", "purge", "purge"]  # conversations that end
        elif chance.random() < 0.2:
            self._names = ["append", "remove", "insert", "insert", "remove"]  # many entries

    def prelude(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Return the calls with which a run begins: some conversations have holes already."""
        if self._chance.random() < 0.7:
            return []
        records = [
            record(f"p{n}", 0, has_caller_id=False) for n in range(self._chance.randint(2, 12))
        ]
        holes = range(1, len(records) // 2)
        return [("replace", (tuple(records),)), *(("remove", (hole,)) for hole in holes)]

    def next_call(self) -> tuple[str, tuple[Any, ...]]:
        """Return the name of a call and its arguments."""
        if self.planned:
            return self.planned.pop()
        chance = self._chance
        name = chance.choice(self._names)
        if name in {"append", "replace"}:
            wanted = [self._record() for _ in range(chance.choice([1, 1, 2, 3]))]
            return name, (tuple({item.id: item for item in wanted}.values()),)
        if name == "insert":
            return name, (chance.choice([0, 0, 1, 2, 3, -1, -2, 9]), self._record())
        if name == "remove":
            return name, (chance.choice([0, 0, 1, 2, 3, -1, -1, -2]),)
        return name, (2, 1) if name == "window" else ()

    def _record(self) -> Record:
        chance = self._chance
        size = chance.choice(self._sizes)
        kind = chance.random()
        if kind < 0.45:
            return record(chance.choice("abc"), size, has_caller_id=True)
        if kind < 0.5:
            # Given by a store once, then brought back by a caller.
            given, self._given = self._given, True
            return record(_OF_A_STORE, self._sizes[0], has_caller_id=given)
        self._count += 1
        return record(f"u{self._count}", size, has_caller_id=False)


def plan_of(store: SimulatedStore, name: str, arguments: tuple[Any, ...]) -> Plan[Any]:
    """Return the plan of a call; it returns what the model of a list returns."""
    if name in {"append", "insert"}:
        method = store._append if name == "append" else store._insert
        held = yield from method(KEY, *arguments)
        return frozenset((item.id, item.body) for item in held)
    if name == "remove":
        removed = yield from store._remove(KEY, *arguments)
        return None if removed is None else removed.body
    if name == "read":
        page = yield from store._read_newest(KEY, None)
        return tuple(item.body for item in page.records)
    if name == "window":
        last, first = arguments
        page = yield from store._read_newest(KEY, last, leading=first)
        return (
            tuple(item.body for item in page.records),
            tuple(item.body for item in page.leading),
        )
    if name == "purge":
        return (yield from store._purge())
    method = {"replace": store._replace, "delete": store._delete, "count": store._count}[name]
    return (yield from method(KEY, *arguments))
