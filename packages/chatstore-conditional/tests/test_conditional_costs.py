"""Requests and units of calls do not depend on how a conversation was written.

Units are DynamoDB's: a written kilobyte is one, in a transaction two; four read kilobytes are one.
`make soak` measures with a million messages.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import ceil
from typing import Any, TypeVar

import pytest

from chatstore.conditional import HeadWrite, Limits
from chatstore.conditional.head_json import load_head
from chatstore.conditional.testing import MemoryBackend, MemoryDatabase
from chatstore.core import ChatMessage, ChatStore, codec
from chatstore.core.backend import Oldest, Plan, run

T = TypeVar("T")
LENGTHS = [1_000, 100_000, 1_000_000] if os.environ.get("CHATSTORE_SOAK") else [1_000, 10_000]
AROUND = 100  # bytes of an item beside its body: names, the key, a version
WRITERS = 8


class MeasuringDatabase(MemoryDatabase):
    """Counts requests, units, and records that are staged and deleted."""

    def __init__(self) -> None:
        super().__init__(Limits(100, 4 * 1024 * 1024, 400 * 1024))
        self.spent: Counter[str] = Counter()
        self.after_stage: Callable[[], object] | None = None

    def read_head(self, key: str) -> Plan[Any, tuple[str, str] | None]:
        stored = yield from super().read_head(key)
        self.spent += Counter(requests=1, read=self._units([stored[0] if stored else ""], 4096))
        return stored

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Any, dict[str, str]]:
        records = yield from super().read_records(key, ids)
        bodies = [records.get(name, "") for name in ids]
        self.spent += Counter(requests=ceil(len(ids) / 100), read=self._units(bodies, 4096))
        return records

    def commit(self, key: str, write: HeadWrite) -> Plan[Any, str | None]:
        bodies = [write.head, *write.puts.values(), *("" for _ in write.deletes)]
        times = 1 if len(bodies) == 1 else 2
        self.spent += Counter(requests=1, written=times * self._units(bodies, 1024))
        return (yield from super().commit(key, write))

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Any, None]:
        self.spent += Counter(
            requests=ceil(len(puts) / 25),
            written=self._units(puts.values(), 1024),
            staged=len(puts),
        )
        yield from super().stage(key, puts)
        after, self.after_stage = self.after_stage, None
        if after is not None:
            after()

    def discard(self, key: str, ids: Sequence[str]) -> Plan[Any, None]:
        self.spent += Counter(requests=ceil(len(ids) / 25), written=len(ids), discarded=len(ids))
        return (yield from super().discard(key, ids))

    def _units(self, bodies: Iterable[str], size: int) -> int:
        return sum(ceil((len(body.encode()) + AROUND) / size) for body in bodies)


class HastyBackend(MemoryBackend):
    """Does not wait when other writers were faster."""

    def run(self, plan: Plan[Any, T]) -> T:
        return run(plan, lambda _: None)


def message(**fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content="x" * 200, **fields)


class Writers:
    """Several stores with one conversation, used at random."""

    def __init__(self) -> None:
        self.database = MeasuringDatabase()
        self.stores = [ChatStore(HastyBackend(self.database)) for _ in range(WRITERS)]
        self.chance = random.Random(7)
        self.number = 0

    @property
    def store(self) -> ChatStore:
        return self.chance.choice(self.stores)

    @property
    def length(self) -> int:
        return load_head(self.database.heads["k"][0]).length if self.database.heads else 0

    def batch(self, count: int, *, named: bool = False) -> list[ChatMessage]:
        self.number += count
        ids = range(self.number - count, self.number)
        return [message(**({"id": f"i{n}"} if named else {})) for n in ids]


def batches(count: int, *, named: bool = False) -> Callable[[Writers], None]:
    return lambda w: w.store.add_messages("k", w.batch(count, named=named))


def mixed(writers: Writers) -> None:
    chance = writers.chance
    kind = chance.random()
    at = chance.randrange(max(1, writers.length))
    if kind < 0.5:
        size = chance.choice([1, 2, 7, 30, 100, 200])
        writers.store.add_messages("k", writers.batch(size, named=chance.random() < 0.5))
    elif kind < 0.6:
        writers.store.add_message("k", message(), at)
    elif kind < 0.8:
        writers.store.delete_message("k", at)
    else:
        writers.store.delete_last_message("k")


def overlapping(writers: Writers) -> None:
    """Let another writer append while a batch is staged."""
    one, other = writers.stores[:2]
    messages = [message()]

    def append_once() -> None:
        with suppress(IndexError):  # a batch was staged already
            other.add_message("k", messages.pop())

    writers.database.after_stage = append_once
    one.add_messages("k", writers.batch(150))


def window_of_the_newest(writers: Writers) -> None:
    writers.store.add_messages("k", writers.batch(9))
    for _ in range(2):
        writers.store.delete_message("k", 1)


PATTERNS: dict[str, Callable[[Writers], None]] = {
    "batches of 2": batches(2),
    "batches of 100": batches(100),
    "batches of 200 with ids": batches(200, named=True),
    "batches of 60 with ids": batches(60, named=True),
    "overlapping batches": overlapping,
    "a sliding window": window_of_the_newest,
    "a mix": mixed,
}
OF_MILLIONS = {"batches of 100", "batches of 200 with ids", "a mix"}


def middle_id(store: ChatStore) -> str:
    """Return the id of a message in the middle, if possible one that the store gave."""
    backend = store.backend
    middle = store.count_messages("k") // 2
    page = backend.run(backend.read_oldest("k", Oldest(50, middle)))
    ids = [str(one.id) for one in codec.decode_all("k", page.records)]
    return next((one for one in ids if len(one) == 32), ids[0])


def new_id(number: int) -> str:
    """Return an id as applications make them that use UUIDs of version 7, a second later."""
    return f"{time.time_ns() // 1_000_000 + 1000:012x}7{number:019x}"


CALLS: dict[str, Callable[[ChatStore, int], object]] = {
    "append": lambda s, _: s.add_message("k", message()),
    "append with an id": lambda s, n: s.add_message("k", message(id=f"new{n}")),
    "window": lambda s, _: s.get_messages("k", last=20),
    "count": lambda s, _: s.count_messages("k"),
    "delete last": lambda s, _: s.delete_last_message("k"),
    "delete in the middle": lambda s, n: s.delete_message("k", n // 2),
    "delete first": lambda s, _: s.delete_message("k", 0),
    "insert": lambda s, n: s.add_message("k", message(), n // 3),
    "append with an id of 32 digits": lambda s, n: s.add_message("k", message(id=new_id(n))),
    "put a new one": lambda s, n: s.put_message("k", message(id=f"put{n}")),
    "get the conversation": lambda s, _: s.get_conversation("k"),
    "rename": lambda s, n: s.update_conversation("k", title=f"title {n}"),
}
CALLS_BY_ID: dict[str, Callable[[ChatStore, str], object]] = {
    "get in the middle": lambda s, one: s.get_message("k", one),
    "page before the middle": lambda s, one: s.page_messages("k", limit=20, before=one),
    "put in the middle": lambda s, one: s.put_message("k", message(id=one)),
    "put it again": lambda s, one: s.put_message("k", message(id=one)),
    "get it again": lambda s, one: s.get_message("k", one),
    "remove it": lambda s, one: s.remove_message("k", one),
    "append it": lambda s, one: s.add_message("k", message(id=one)),
    "truncate": lambda s, one: s.truncate("k", from_id=one),
}
# requests, write units, read units, records staged or deleted
MOST = {
    "append": (1, 4, 0, 0),
    "append with an id": (2, 8, 1, 0),
    "window": (4, 0, 26, 0),
    "count": (1, 0, 1, 0),
    "delete last": (4, 12, 4, 0),
    "delete in the middle": (8, 28, 8, 0),
    "delete first": (8, 28, 8, 0),
    "insert": (8, 28, 8, 0),
    "append with an id of 32 digits": (2, 8, 1, 0),
    "put a new one": (2, 8, 1, 0),
    "get the conversation": (1, 0, 1, 0),
    "rename": (2, 2, 1, 0),
}
MOST_BY_ID = {
    # The search by time: here 20 ids have the same millisecond, and times overlap.
    "get in the middle": (60, 0, 2000, 0),
    "page before the middle": (65, 0, 2050, 0),
    "put in the middle": (65, 32, 2050, 0),
    "put it again": (8, 32, 10, 0),
    "get it again": (6, 0, 8, 0),
    "remove it": (8, 32, 10, 0),
    "append it": (60, 8, 2000, 0),
    "truncate": (4, 10, 4, 0),
}


def check(name: str, spent: Counter[str], most: tuple[int, int, int, int]) -> None:
    requests, written, read, moved = most
    assert spent["requests"] <= requests, (name, spent)
    assert spent["written"] <= written, (name, spent)
    assert spent["read"] <= read, (name, spent)
    assert spent["staged"] + spent["discarded"] <= moved, (name, spent)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_calls_cost_the_same_whatever_was_written(pattern: str, length: int) -> None:
    if length > 100_000 and pattern not in OF_MILLIONS:
        pytest.skip("a million messages take too long to write in this way")
    writers = Writers()
    largest = 0
    while writers.length < length:
        PATTERNS[pattern](writers)
        largest = max(largest, len(writers.database.heads["k"][0]))
    for number in range(3):
        for name, act in CALLS.items():
            store = writers.stores[0]
            store.get_messages("k", last=1)
            store.add_message("k", message())  # it knows the current head
            writers.database.spent.clear()
            act(store, writers.length - number)
            check(name, writers.database.spent, MOST[name])
        store = writers.stores[0]
        one = middle_id(store)
        for name, act_by_id in CALLS_BY_ID.items():
            writers.database.spent.clear()
            act_by_id(store, one)
            check(name, writers.database.spent, MOST_BY_ID[name])

    assert largest <= 1024 - AROUND + 150  # while a batch is staged it is a little larger
    assert len(writers.database.heads["k"][0]) <= 1024 - AROUND + 30  # with its title


def test_a_batch_costs_a_little_more_than_its_messages() -> None:
    writers = Writers()
    for _ in range(20):
        writers.stores[0].add_messages("k", writers.batch(200))
    writers.database.spent.clear()
    writers.stores[0].add_messages("k", writers.batch(200))
    assert writers.database.spent["staged"] == 200
    assert writers.database.spent["written"] == 200 + 2
    assert writers.database.spent["requests"] == 8 + 2
    assert len(load_head(writers.database.heads["k"][0]).entries) == 1


def test_copies_of_many_messages_are_found_at_once() -> None:
    writers = Writers()
    store = writers.stores[0]
    store.add_messages("k", writers.batch(1000))
    copies = store.get_messages("k")
    writers.database.spent.clear()
    store.add_messages("k", copies[::2])
    store.add_messages("k", copies[7:8])
    assert store.count_messages("k") == 1000
    assert writers.database.spent["requests"] <= 50
