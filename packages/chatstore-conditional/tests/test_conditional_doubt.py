"""Calls whose commit was refused, or got no answer, before many others wrote."""

from contextlib import suppress

import pytest

from chatstore.conditional import Limits
from chatstore.conditional.head import REMEMBERED
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import ChatMessage, OutcomeUnknownError, StoreUnavailableError
from chatstore.core.backend import call

LARGE = 150  # messages, more than fit into one commit
MANY = REMEMBERED + 6


class EventfulDatabase(MemoryDatabase):
    """Lets something happen at a commit: an event is given what the commit would do."""

    def __init__(self):
        super().__init__(Limits(100, 400_000, 100_000))
        self.events = []

    def commit(self, *arguments, **options):
        [act] = super().commit(*arguments, **options)
        event = self.events.pop(0) if self.events else None
        return call(act if event is None else lambda client: event(lambda: act(client)))


@pytest.fixture
def database():
    return EventfulDatabase()


@pytest.fixture
def store(database):
    with MemoryChatStore(database) as store:
        store.set_messages("k", [say("0"), say("1"), say("2")])
        yield store


@pytest.fixture
def other(database):
    with MemoryChatStore(database) as store:
        yield store


def say(text, **fields):
    return ChatMessage(role="user", content=text, **fields)


def texts(store):
    return [message.content for message in store.get_messages("k")]


def lost():
    raise StoreUnavailableError("no answer")


def append_many(store):
    for number in range(MANY):
        store.add_message("k", say(f"x{number}"))


def large(**fields):
    return [say(str(number), **({"id": f"i{number}"} if fields else {})) for number in range(LARGE)]


# Each call with what it does to a list, and how many commits come before the one that counts.
CALLS = {
    "append": (lambda s: s.add_message("k", say("A")), lambda t: [*t, "A"], 0),
    "append with an id": (lambda s: s.add_message("k", say("A", id="A")), lambda t: [*t, "A"], 0),
    "append many": (
        lambda s: s.add_messages("k", large()),
        lambda t: t + [m.content for m in large()],
        1,
    ),
    "append many with ids": (
        lambda s: s.add_messages("k", large(ids=True)),
        lambda t: t + [m.content for m in large()],
        1,
    ),
    "insert": (lambda s: s.add_message("k", say("A"), 0), lambda t: ["A", *t], 0),
    "insert with an id": (
        lambda s: s.add_message("k", say("A", id="A"), 1),
        lambda t: [*t[:1], "A", *t[1:]],
        0,
    ),
    "set": (lambda s: s.set_messages("k", [say("S")]), lambda _: ["S"], 0),
    "set many": (
        lambda s: s.set_messages("k", large()),
        lambda _: [m.content for m in large()],
        1,
    ),
    "delete the first": (lambda s: s.delete_message("k", 0), lambda t: t[1:], 0),
    "delete the middle": (lambda s: s.delete_message("k", 1), lambda t: [t[0], *t[2:]], 0),
    "delete the last": (lambda s: s.delete_last_message("k"), lambda t: t[:-1], 0),
    "delete all": (lambda s: s.delete_messages("k"), lambda _: [], 0),
}
OTHERS = {
    "append": (lambda _: None, lambda t: t),
    "remove what was written": (lambda s: s.delete_last_message("k"), lambda t: t[:-1]),
    "remove the first": (lambda s: s.delete_message("k", 0), lambda t: t[1:]),
    "set": (lambda s: s.set_messages("k", [say("later")]), lambda _: ["later"]),
    "delete all": (lambda s: s.delete_messages("k"), lambda _: []),
    "insert": (lambda s: s.add_message("k", say("I"), 0), lambda t: ["I", *t]),
}


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_whose_answer_was_lost_is_never_applied_again(store, other, database, name, others):
    act, effect, before = CALLS[name]
    meanwhile, change = OTHERS[others]

    def event(commit):
        commit()
        meanwhile(other)
        append_many(other)
        lost()

    database.events = [*[None] * before, event]
    with suppress(OutcomeUnknownError):
        act(store)

    expected = change(effect(["0", "1", "2"])) + [f"x{number}" for number in range(MANY)]
    assert texts(store) == expected


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_whose_request_was_lost_is_applied_once_or_said_to_be_unknown(
    store, other, database, name, others
):
    act, effect, before = CALLS[name]
    meanwhile, change = OTHERS[others]

    def event(_):
        meanwhile(other)
        append_many(other)
        lost()

    database.events = [*[None] * before, event]
    present = change(["0", "1", "2"]) + [f"x{number}" for number in range(MANY)]
    try:
        act(store)
    except OutcomeUnknownError:
        assert texts(store) == present
    else:
        assert texts(store) == effect(present)


@pytest.mark.parametrize("name", CALLS)
def test_a_refused_call_goes_on_however_many_were_faster(store, other, database, name):
    act, effect, before = CALLS[name]

    def refused(commit):
        append_many(other)
        return commit()

    database.events = [*[None] * before, refused]
    act(store)

    assert texts(store) == effect(["0", "1", "2", *(f"x{number}" for number in range(MANY))])


@pytest.mark.parametrize("name", CALLS)
def test_a_late_commit_and_a_refusal_take_effect_once(store, other, database, name):
    act, effect, before = CALLS[name]
    late = []

    def refused(commit):
        late.pop()()
        append_many(other)
        return commit()

    database.events = [*[None] * before, lambda commit: (late.append(commit), lost()), refused]
    with suppress(OutcomeUnknownError):
        act(store)

    assert texts(store) == effect(["0", "1", "2"]) + [f"x{number}" for number in range(MANY)]


def test_the_same_message_of_another_writer_is_not_taken_for_ours(store, other, database):
    message = say("A", id="A", created_at="2026-01-01T00:00:00+00:00")

    def event(_):
        other.add_message("k", message)
        append_many(other)
        lost()

    database.events = [event]
    store.add_message("k", message, 0)

    assert texts(store).count("A") == 1
    assert texts(store)[3] == "A"


def test_a_note_of_a_staging_whose_answer_was_lost_is_used(store, database):
    database.events = [lambda commit: (commit(), lost())]
    store.add_messages("k", large())

    assert len(database.records["k"]) == LARGE + 3 + 1  # the seal
