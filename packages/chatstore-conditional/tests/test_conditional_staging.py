"""Large writes beside writers whose clocks are wrong, and beside writers that were killed."""

from unittest import mock

import pytest

from chatstore.conditional import committing, observing
from chatstore.conditional.head import load
from chatstore.conditional.names import SEAL, record_id
from chatstore.conditional.observing import MOST_STAGINGS, NOTICED_TIME, STAGING_TIME
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import ChatMessage
from chatstore.core.backend import call, run

NOW = 1_800_000_000.0
DAY = 86_400
LARGE = 450


class SlowDatabase(MemoryDatabase):
    """Lets something happen after each batch that is staged."""

    meanwhile = None

    def stage(self, key, puts):
        yield from super().stage(key, puts)
        if self.meanwhile is not None:
            yield from call(lambda _: self.meanwhile())


@pytest.fixture
def database():
    return SlowDatabase()


@pytest.fixture
def passing():
    """Return a clock of all processes that a test sets; it also counts for `monotonic`."""

    class Time:
        now = 0.0

        def __call__(self):
            return self.now

    time = Time()
    with (
        mock.patch.object(committing, "monotonic", time),
        mock.patch.object(observing, "monotonic", time),
    ):
        yield time


def say(text, **fields):
    return ChatMessage(role="user", content=text, **fields)


def large(prefix="m", count=LARGE):
    return [say(f"{prefix}{number}", id=f"{prefix}{number}") for number in range(count)]


def open_store(database, skew=0.0, passing=None):
    return MemoryChatStore(
        database, clock=lambda: NOW + skew + (0 if passing is None else passing.now)
    )


def kill_while_staging(store, messages):
    """Run a large write until its head is noted and its messages are staged, and no further."""
    database = store._database._database
    plan = store._append("k", store._encode(messages))
    step, before = next(plan), newest_staging(database)
    while newest_staging(database) == before or not has_staged(database):
        step = plan.send(step(None))
    plan.close()


def newest_staging(database):
    """Return the staging that was noted last, and the stream of its records."""
    stagings = load(database.heads["k"][0]).stagings if "k" in database.heads else ()
    if not stagings:
        return None
    stream = load(database.heads["k"][0]).stream
    return stream, stagings[-1].number, stagings[-1].end


def has_staged(database):
    """Whether all messages of the newest staging are written."""
    stream, _, end = newest_staging(database)
    return record_id(stream, end - 1) in database.records["k"]


def left(database):
    head = load(database.heads["k"][0])
    return len(database.records["k"]), head


@pytest.mark.parametrize("skew", [900, -900, DAY, -DAY, 2 * DAY, -3650 * DAY])
@pytest.mark.parametrize("is_of_stager", [False, True])
@pytest.mark.parametrize("name", ["add_messages", "set_messages"])
def test_a_wrong_clock_stops_no_large_write(database, name, skew, is_of_stager):
    stager, other = (
        open_store(database, skew if own == is_of_stager else 0) for own in (True, False)
    )
    third = open_store(database)
    third.add_message("k", say("first"))
    count = iter(range(1000))

    def meanwhile():
        other.add_message("k", say(f"x{next(count)}"))
        third.add_message("k", say(f"x{next(count)}"))

    database.meanwhile = meanwhile
    getattr(stager, name)("k", large())
    database.meanwhile = None

    texts = [message.content for message in third.get_messages("k")]
    others = [text for text in texts if text.startswith("x")]
    assert texts[-LARGE:] == [message.content for message in large()]
    assert others == ([] if name == "set_messages" else [f"x{n}" for n in range(next(count))])
    # The messages with their markers, and the seal: nothing else is stored.
    assert len(database.records["k"]) == len(texts) + LARGE + 1


def test_a_slow_writer_shows_that_it_is_at_work(database, passing):
    stager, other = open_store(database, passing=passing), open_store(database, passing=passing)
    other.add_message("k", say("first"))

    def meanwhile():
        passing.now += STAGING_TIME / 2
        other.add_message("k", say("x"))

    database.meanwhile = meanwhile
    staged = []
    stage = database.stage
    database.stage = lambda key, puts: (staged.append(len(puts)), stage(key, puts))[1]
    stager._database._database.stage = database.stage
    stager.add_messages("k", large(count=1500))

    assert passing.now > 3 * STAGING_TIME
    assert sum(staged) == 1500  # once
    assert stager.count_messages("k") == 1 + 1500 + len(staged)


def test_the_next_writer_reclaims_what_was_abandoned(database, passing):
    writer = open_store(database, passing=passing)
    writer.add_message("k", say("first"))
    kill_while_staging(open_store(database, passing=passing), large())
    assert left(database)[0] == LARGE + 2
    writer.add_message("k", say("second"))
    passing.now += STAGING_TIME - 1
    writer.add_message("k", say("third"))
    assert left(database)[0] == LARGE + 4
    passing.now += 1
    for number in range(3):  # each discards a few
        writer.add_message("k", say(f"{number}"))
    assert left(database)[0] == 6 + 1
    assert not left(database)[1].garbage


def test_processes_that_live_shortly_reclaim_it_a_week_later(database, passing):
    kill_while_staging(open_store(database, passing=passing), large())
    open_store(database, passing=passing).purge_expired()
    passing.now += NOTICED_TIME - 1
    open_store(database, passing=passing).purge_expired()
    assert left(database)[0] == LARGE
    passing.now += 1
    open_store(database, passing=passing).purge_expired()
    assert left(database)[0] == 0


def test_writers_that_are_killed_again_and_again_leave_a_small_head(database):
    writer = open_store(database)
    writer.add_message("k", say("first"))
    for number in range(3 * MOST_STAGINGS):
        kill_while_staging(open_store(database), large(f"{number}.", 120))
    records, head = left(database)
    assert len(head.stagings) <= MOST_STAGINGS + 1
    assert len(head.dump()) < 4_000
    assert records <= (MOST_STAGINGS + 10) * 120
    assert SEAL in database.records["k"]
    assert run(writer._count("k"), None) == 1


def test_a_clock_that_is_slow_ends_no_conversation(database):
    right = MemoryChatStore(database, ttl=3600, clock=lambda: NOW)
    slow = MemoryChatStore(database, ttl=3600, clock=lambda: NOW - DAY)
    right.add_message("k", say("a"))
    slow.add_message("k", say("b"))
    assert right.count_messages("k") == 2
    shorter = MemoryChatStore(database, ttl=60, clock=lambda: NOW)
    shorter.add_message("k", say("c"))
    later = MemoryChatStore(database, ttl=60, clock=lambda: NOW + 61)
    assert later.count_messages("k") == 0
