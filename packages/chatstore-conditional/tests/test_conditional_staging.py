"""Large writes next to writers whose clocks are wrong, and to writers that were killed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import pytest

from chatstore.conditional import abandoned, staging
from chatstore.conditional.abandoned import MAX_STAGINGS, NOTICED_TIME, STAGING_TIME
from chatstore.conditional.head import Head
from chatstore.conditional.head_json import dump_head, load_head
from chatstore.conditional.names import SEAL, record_id
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import ChatMessage, operations
from chatstore.core.backend import Plan, call

NOW = 1_800_000_000.0
DAY = 86_400
LARGE = 450


class SlowDatabase(MemoryDatabase):
    """Calls a function after each staged batch.

    Attributes:
        act_between: The function.
        staged: The sizes of the staged batches.
        one_at_a_time: Several batches are staged at the same time.

    """

    act_between: Callable[[], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.staged: list[int] = []
        self.one_at_a_time = threading.Lock()

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Any, None]:
        self.staged.append(len(puts))
        yield from super().stage(key, puts)
        act_between = self.act_between
        if act_between is not None:
            with self.one_at_a_time:
                yield from call(lambda _: act_between())


@pytest.fixture
def database() -> SlowDatabase:
    return SlowDatabase()


class Passing:
    """The time in seconds since the start, as a clock."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def passing() -> Iterator[Passing]:
    """Return the clock of all processes, which a test sets; it is also `monotonic`."""
    passing = Passing()
    with (
        mock.patch.object(staging, "monotonic", passing),
        mock.patch.object(abandoned, "monotonic", passing),
    ):
        yield passing


def message(text: str, **fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content=text, **fields)


def large(prefix: str = "m", count: int = LARGE) -> list[ChatMessage]:
    return [message(f"{prefix}{number}", id=f"{prefix}{number}") for number in range(count)]


def open_store(
    database: SlowDatabase, skew: float = 0.0, passing: Passing | None = None
) -> MemoryChatStore:
    return MemoryChatStore(
        database, clock=lambda: NOW + skew + (0 if passing is None else passing.now)
    )


def kill_while_staging(
    database: SlowDatabase, messages: list[ChatMessage], passing: Passing | None = None
) -> None:
    """Run a large write until its numbers are reserved and its messages staged, and no further."""
    store = open_store(database, passing=passing)
    plan = operations.add_messages(store.backend, "k", messages)
    step, before = next(plan), newest_staging(database)
    while newest_staging(database) == before or not has_staged(database):
        step = plan.send(step(None))
    plan.close()


def newest_staging(database: SlowDatabase) -> tuple[str, int, int] | None:
    """Return the stream, the first number and the end of the newest staging."""
    head = load_head(database.heads["k"][0]) if "k" in database.heads else None
    if head is None or not head.stagings:
        return None
    return head.stream, head.stagings[-1].number, head.stagings[-1].end


def has_staged(database: SlowDatabase) -> bool:
    """Return whether all messages of the newest staging are written."""
    newest = newest_staging(database)
    assert newest is not None
    stream, _, end = newest
    return record_id(stream, end - 1) in database.records["k"]


def left(database: SlowDatabase) -> tuple[int, Head]:
    head = load_head(database.heads["k"][0])
    return len(database.records["k"]), head


@pytest.mark.parametrize("skew", [900, -900, DAY, -DAY, 2 * DAY, -3650 * DAY])
@pytest.mark.parametrize("is_of_stager", [False, True])
@pytest.mark.parametrize("name", ["add_messages", "set_messages"])
def test_a_wrong_clock_does_not_stop_a_large_write(
    database: SlowDatabase, name: str, skew: float, is_of_stager: bool
) -> None:
    stager, other = (
        open_store(database, skew if own == is_of_stager else 0) for own in (True, False)
    )
    third = open_store(database)
    third.add_message("k", message("first"))
    count = iter(range(1000))

    def act_between() -> None:
        other.add_message("k", message(f"x{next(count)}"))
        third.add_message("k", message(f"x{next(count)}"))

    database.act_between = act_between
    getattr(stager, name)("k", large())
    database.act_between = None

    contents = [str(stored.content) for stored in third.get_messages("k")]
    others = [text for text in contents if text.startswith("x")]
    assert contents[-LARGE:] == [sent.content for sent in large()]
    assert others == ([] if name == "set_messages" else [f"x{n}" for n in range(next(count))])
    # The messages with their markers, and the seal: nothing else is stored.
    assert len(database.records["k"]) == len(contents) + LARGE + 1


def test_a_slow_writer_shows_that_it_is_at_work(database: SlowDatabase, passing: Passing) -> None:
    stager, other = open_store(database, passing=passing), open_store(database, passing=passing)
    other.add_message("k", message("first"))

    def act_between() -> None:
        passing.now += STAGING_TIME / 2
        other.add_message("k", message("x"))

    database.act_between = act_between
    stager.add_messages("k", large(count=1500))

    assert passing.now > 3 * STAGING_TIME
    assert sum(database.staged) == 1500  # once
    assert stager.count_messages("k") == 1 + 1500 + len(database.staged)


def test_the_next_writer_deletes_what_was_abandoned(
    database: SlowDatabase, passing: Passing
) -> None:
    writer = open_store(database, passing=passing)
    writer.add_message("k", message("first"))
    kill_while_staging(database, large(), passing)
    assert left(database)[0] == LARGE + 2
    writer.add_message("k", message("second"))
    passing.now += STAGING_TIME - 1
    writer.add_message("k", message("third"))
    assert left(database)[0] == LARGE + 4
    passing.now += 1
    for number in range(3):  # each deletes a few
        writer.add_message("k", message(f"{number}"))
    assert left(database)[0] == 6 + 1
    assert not left(database)[1].garbage


def test_short_lived_processes_delete_it_a_week_later(
    database: SlowDatabase, passing: Passing
) -> None:
    kill_while_staging(database, large(), passing)
    open_store(database, passing=passing).purge_expired()
    passing.now += NOTICED_TIME - 1
    open_store(database, passing=passing).purge_expired()
    assert left(database)[0] == LARGE
    passing.now += 1
    open_store(database, passing=passing).purge_expired()
    assert left(database)[0] == 0


def test_writers_that_are_killed_again_and_again_leave_a_small_head(
    database: SlowDatabase,
) -> None:
    writer = open_store(database)
    writer.add_message("k", message("first"))
    for number in range(3 * MAX_STAGINGS):
        kill_while_staging(database, large(f"{number}.", 120))
    records, head = left(database)
    assert len(head.stagings) <= MAX_STAGINGS + 1
    assert len(dump_head(head)) < 4_000
    assert records <= (MAX_STAGINGS + 10) * 120
    assert SEAL in database.records["k"]
    assert writer.count_messages("k") == 1


def test_a_slow_clock_does_not_end_a_conversation(database: SlowDatabase) -> None:
    right = MemoryChatStore(database, ttl=3600, clock=lambda: NOW)
    slow = MemoryChatStore(database, ttl=3600, clock=lambda: NOW - DAY)
    right.add_message("k", message("a"))
    slow.add_message("k", message("b"))
    assert right.count_messages("k") == 2
    shorter = MemoryChatStore(database, ttl=60, clock=lambda: NOW)
    shorter.add_message("k", message("c"))
    later = MemoryChatStore(database, ttl=60, clock=lambda: NOW + 61)
    assert later.count_messages("k") == 0
