"""What clients do in a simulated run, and under which circumstances, all chosen by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from conditional_linearizability import Call, Conflict, Facts
from conditional_network import KEY, SimulatedBackend, record

from chatstore.conditional import Limits
from chatstore.core import RevisionConflictError, codec
from chatstore.core.backend import (
    Append,
    ConversationRecord,
    Create,
    Delete,
    Insert,
    Newest,
    Plan,
    Put,
    Record,
    Remove,
    Replace,
    StoredRecord,
    Truncate,
    Update,
    check_revision,
)

_LIMITS = [
    (Limits(100, 400_000, 100_000), (0, 40)),
    (Limits(24, 4_000, 1_500), (0, 900, 2_000)),
    (Limits(24, 900, 300), (0, 0, 350)),
    (Limits(24, 500, 300), (0, 0, 0, 350)),
]
_TREES = [(24, 32, 16), (3, 4, 2), (2, 3, 2)]
_NOVEMBER_2025 = 0x019AA0000000  # in milliseconds


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
        search: How many messages a search by time reads at once, and when it ends.
        in_head: The most bytes of a title and metadata in a head.
        others: Operations of a commit that are reserved when messages are removed with it.
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
    search: tuple[int, int]
    in_head: int
    others: int
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
        search=chance.choice([(16, 48), (2, 3)]),
        in_head=chance.choice([300, 30]),
        others=chance.choice([16, 100]),
        # A wrong clock ends conversations early or late; the model of a list does not know that.
        skews=[chance.choice([0, 0, 900, -86_400, 86_400]) if ttl is None else 0 for _ in range(4)],
        clients=clients,
        calls=chance.choice([3, 4, 5, 8]) if clients < 4 else 3,
        faults=chance.choice([0, 0.05, 0.15, 0.3]),
        jumps=chance.choice([0, 0.04, 0.1]),
        weights=[chance.choice([1, 1, 4]) for _ in range(clients)],
    )


class Workload:
    """Chooses calls.

    Attributes:
        planned: Calls that come next.
        revision: A revision that a call has read.

    """

    def __init__(self, chance: random.Random, sizes: tuple[int, ...]) -> None:
        """Choose which calls this run mostly makes."""
        self._chance = chance
        self._sizes = sizes
        self._count = 0
        self._store_ids: list[str] = []
        self.planned: list[tuple[str, tuple[Any, ...]]] = []
        self.revision: str | None = None
        # Some runs mostly append, others mostly remove and so on: rare encounters become likely.
        names = ["append", "append", "insert", "replace", "remove", "delete", "purge"]
        names += ["put", "put", "truncate", "create", "update"]
        self._names = [*names, "read", "window", "count", "find", "look"]
        self._names += chance.choices(names, k=8)
        self._expecting = chance.choice([0, 0.4])  # the share of writes that expect a revision
        kind = chance.random()
        if kind < 0.25:
            self._expecting = 0
            self._names = ["append", "delete", "purge", "purge"]  # conversations that end
        elif kind < 0.35:
            self._names = ["append", "remove", "insert", "insert", "remove"]  # many entries
        elif kind < 0.5:
            self._names = ["append", "truncate", "put", "find", "remove", "append"]  # ids
        elif kind < 0.65:
            self._names = ["append", "create", "update", "look", "update", "delete", "remove"]

    def plan_purge(self) -> None:
        """Let a client purge next, while another one appends."""
        self.planned = [("append", ((self._record(),),)), ("purge", ())]

    def prelude(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Return the calls with which a run begins: some conversations have holes already."""
        if self._chance.random() < 0.7:
            return []
        records = [self._unmarked() for _ in range(self._chance.randint(2, 12))]
        holes = range(1, len(records) // 2)
        return [("replace", (tuple(records),)), *(("remove", (hole,)) for hole in holes)]

    def expected_revision(self, name: str) -> str | None:
        """Return the expected revision of a call, for some calls."""
        if name in {"create", *_PLANS} or self._chance.random() >= self._expecting:
            return None
        return self.revision

    def learn(self, call: Call) -> None:
        """Take over what a call showed: a revision, or ids that the store gave."""
        if isinstance(call.result, Facts):
            self.revision = call.result.revision
        for argument in call.arguments:
            records = [argument] if isinstance(argument, Record) else argument
            if isinstance(records, (list, tuple)):
                new = (item for item in records if isinstance(item, Record))
                self._store_ids += [item.id for item in new if not item.has_caller_id]

    def next_call(self) -> tuple[str, tuple[Any, ...]]:
        """Return the name of a call and its arguments."""
        if self.planned:
            return self.planned.pop()
        chance = self._chance
        name = chance.choice(self._names)
        if name in {"append", "replace"}:
            records = [self._record() for _ in range(chance.choice([0, 1, 1, 2, 3, 5]))]
            if name == "append" and not records:
                records = [self._record()]
            return name, (tuple({item.id: item for item in records}.values()),)
        if name == "insert":
            return name, (chance.choice([0, 0, 1, 2, 3, -1, -2, 9]), self._record())
        if name == "remove":
            return name, (chance.choice([0, 0, 1, 2, 3, -1, -1, -2, self._id(), self._id()]),)
        if name in {"truncate", "find"}:
            return name, (self._id(),)
        if name == "put":
            item = record(self._id(), chance.choice(self._sizes), has_caller_id=True)
            return name, (item, chance.random() < 0.4)
        if name == "create":
            items = [self._record() for _ in range(chance.choice([0, 0, 1, 3]))]
            records = [item._replace(has_caller_id=True) for item in items]
            return name, (self._conversation(), tuple({one.id: one for one in records}.values()))
        if name == "update":
            return name, self._conversation()[:3]
        return name, (2, 1) if name == "window" else ()

    def _conversation(self) -> ConversationRecord:
        chance = self._chance
        return ConversationRecord(
            chance.choice([None, "ada", "ben"]),
            chance.choice([None, "t", "a long title " * 5]),
            chance.choice([None, '{"n":1}']),
            chance.random() < 0.5,
        )

    def _id(self) -> str:
        return self._chance.choice(["a", "b", "c", *self._store_ids[-3:]])

    def _record(self) -> Record:
        chance = self._chance
        size = chance.choice(self._sizes)
        kind = chance.random()
        if kind < 0.45:
            return record(chance.choice("abc"), size, has_caller_id=True)
        if kind < 0.55 and self._store_ids:
            # The store gave the id, later a caller brings it back.
            return record(chance.choice(self._store_ids), self._sizes[0], has_caller_id=True)
        return self._unmarked()

    def _unmarked(self) -> Record:
        """Return a message with an id as `codec.new_id` makes them; some clocks are slow."""
        self._count += 1
        skew = self._chance.choice([0, 0, 0, 30, 1_000])
        name = f"{_NOVEMBER_2025 + 10 * self._count - skew:012x}{self._count:020x}"
        return record(name, self._chance.choice(self._sizes), has_caller_id=False)


def plan_of(
    backend: SimulatedBackend,
    name: str,
    arguments: tuple[Any, ...],
    expected_revision: str | None = None,
) -> Plan[Any, Any]:
    """Return the plan of a call; it returns what the model of a list returns."""
    if name in _PLANS:
        return _PLANS[name](backend, *arguments)
    return _written(backend, name, arguments, expected_revision)


def _written(
    backend: SimulatedBackend,
    name: str,
    arguments: tuple[Any, ...],
    expected_revision: str | None,
) -> Plan[Any, Any]:
    try:
        if name == "update":
            return (yield from _update(backend, arguments, expected_revision))
        write = WRITES[name](*arguments)
        if expected_revision is not None:
            write = replace(write, expected_revision=expected_revision)
        result = yield from getattr(backend, name)(KEY, write)
    except RevisionConflictError:
        return Conflict
    if name in {"append", "insert"}:
        return frozenset((item.id, item.body) for item in result)
    if name == "create":
        return result is not None
    return None if name == "remove" and result is None else getattr(result, "body", result)


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


def _find(backend: SimulatedBackend, message_id: str) -> Plan[Any, Any]:
    page = yield from backend.find(KEY, message_id)
    return page.records[0].body if page.records else None


def _look(backend: SimulatedBackend) -> Plan[Any, Any]:
    """Read a conversation, alone or with its messages."""
    [stored] = yield from backend.read_conversations([KEY])
    if stored is None:
        return None
    return Facts(stored.record._replace(index_entry=None), stored.length, stored.revision)


def _update(
    backend: SimulatedBackend, fields: tuple[Any, ...], expected_revision: str | None
) -> Plan[Any, bool]:
    """Change the record, as a store does."""
    owner, title, metadata = fields
    while True:
        [stored] = yield from backend.read_conversations([KEY])
        if stored is None:
            return False
        check_revision(expected_revision, stored.revision)
        after = stored.record._replace(owner=owner, title=title, metadata=metadata)
        if after == stored.record:
            return True
        update = Update(stored.record, after, expected_revision)
        if (yield from backend.update(KEY, update)) is not None:
            return True


def _purge(backend: SimulatedBackend) -> Plan[Any, Any]:
    yield from backend.purge_expired()


WRITES: dict[str, Callable[..., Any]] = {
    "append": Append,
    "insert": Insert,
    "put": Put,
    "replace": Replace,
    "remove": lambda target: Remove(target, _check),
    "truncate": Truncate,
    "create": Create,
    "delete": Delete,
}
"""The writes that expect a revision, and ``create``."""

_PLANS: dict[str, Callable[..., Plan[Any, Any]]] = {
    "read": _read,
    "window": _window,
    "find": _find,
    "look": _look,
    "purge": _purge,
    "count": lambda backend: backend.count(KEY),
}
