"""What clients do in a simulated run, and under which circumstances, all chosen by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from conditional_network import KEY, SimulatedBackend, record

from chatstore.conditional import Limits
from chatstore.core import codec
from chatstore.core.backend import (
    Append,
    Delete,
    Insert,
    Newest,
    Plan,
    Record,
    Remove,
    Replace,
    StoredRecord,
)

_LIMITS = [
    (Limits(100, 400_000, 100_000), (0, 40)),
    (Limits(24, 4_000, 1_500), (0, 900, 2_000)),
    (Limits(24, 900, 300), (0, 0, 350)),
    (Limits(24, 500, 300), (0, 0, 0, 350)),
]
_TREES = [(24, 32, 16), (3, 4, 2), (2, 3, 2)]
_STORE_ID = "019aa0000000" + 20 * "7"  # as `codec.new_id` makes them, of November 2025


class Circumstances(NamedTuple):
    """The circumstances of a run.

    Attributes:
        limits: The database's limits.
        sizes: The sizes of messages, in bytes.
        ttl: The ttl of conversations, in seconds.
        tree: The most entries of a head and of a node, and how many are moved into a node.
        remembered: How many requests a head remembers.
        batch: How many records are staged or deleted at once.
        near: Numbers between ranges of garbage that become one.
        markers: How many markers fit into the commit of their messages.
        skews: Seconds by which the clients' clocks are wrong.
        clients: The number of clients.
        calls: How many calls each client makes.
        faults: The probability that a step fails.
        jumps: The probability that the clock jumps at a step.
        weights: How often each client acts.

    """

    limits: Limits
    sizes: tuple[int, ...]
    ttl: float | None
    tree: tuple[int, int, int]
    remembered: int
    batch: int
    near: int
    markers: int
    skews: list[float]
    clients: int
    calls: int
    faults: float
    jumps: float
    weights: list[float]


def circumstances(chance: random.Random) -> Circumstances:
    """Choose the circumstances of a run."""
    limits, sizes = chance.choice(_LIMITS)
    clients = chance.choice([2, 2, 3, 3, 4])
    ttl = chance.choice([None, None, None, 100.0])
    return Circumstances(
        limits,
        sizes,
        ttl,
        tree=chance.choice(_TREES),
        remembered=chance.choice([1, 2, 24]),
        batch=chance.choice([1, 2, 200]),
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
        """Choose which calls this run mostly makes."""
        self._chance = chance
        self._sizes = sizes
        self._count = 0
        self._is_store_id_used = False
        self.planned: list[tuple[str, tuple[Any, ...]]] = []
        # Some runs mostly append, others mostly remove and so on: rare encounters become likely.
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
            records = [self._record() for _ in range(chance.choice([1, 1, 2, 3]))]
            return name, (tuple({item.id: item for item in records}.values()),)
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
            # The store gives the id, later a caller brings it back.
            is_used, self._is_store_id_used = self._is_store_id_used, True
            return record(_STORE_ID, self._sizes[0], has_caller_id=is_used)
        self._count += 1
        return record(f"u{self._count}", size, has_caller_id=False)


def plan_of(backend: SimulatedBackend, name: str, arguments: tuple[Any, ...]) -> Plan[Any, Any]:
    """Return the plan of a call; it returns what the model of a list returns."""
    return _PLANS[name](backend, *arguments)


def _added(plan: Plan[Any, Any]) -> Plan[Any, Any]:
    existing = yield from plan
    return frozenset((item.id, item.body) for item in existing)


def _append(backend: SimulatedBackend, records: tuple[Record, ...]) -> Plan[Any, Any]:
    return _added(backend.append(KEY, Append(records)))


def _insert(backend: SimulatedBackend, index: int, item: Record) -> Plan[Any, Any]:
    return _added(backend.insert(KEY, Insert(index, item)))


def _remove(backend: SimulatedBackend, index: int) -> Plan[Any, Any]:
    removed = yield from backend.remove(KEY, Remove(index, _check))
    return None if removed is None else removed.body


def _check(item: StoredRecord) -> None:
    codec.decode(KEY, item.position, item.body)


def _read(backend: SimulatedBackend) -> Plan[Any, Any]:
    page = yield from backend.read_newest(KEY, Newest())
    return tuple(item.body for item in page.records)


def _window(backend: SimulatedBackend, last: int, first: int) -> Plan[Any, Any]:
    page = yield from backend.read_newest(KEY, Newest(last, leading=first))
    return (
        tuple(item.body for item in page.records),
        tuple(item.body for item in page.leading),
    )


def _purge(backend: SimulatedBackend) -> Plan[Any, Any]:
    yield from backend.purge_expired()


_PLANS: dict[str, Callable[..., Plan[Any, Any]]] = {
    "append": _append,
    "insert": _insert,
    "remove": _remove,
    "read": _read,
    "window": _window,
    "purge": _purge,
    "replace": lambda backend, records: backend.replace(KEY, Replace(records)),
    "delete": lambda backend: backend.delete(KEY, Delete()),
    "count": lambda backend: backend.count(KEY),
}
