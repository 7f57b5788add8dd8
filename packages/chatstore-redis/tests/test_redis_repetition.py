"""A script that is sent twice acts once, and answers the same."""

import time
from types import SimpleNamespace

import pytest
import redis

from chatstore.core import ChatMessage, OutcomeUnknownError
from chatstore.core.backend import run
from chatstore.redis import RedisChatStore
from chatstore.redis.commands import Commands


def message(text):
    return ChatMessage(role="user", content=text)


class Twice(Commands):
    """Sends every script twice, as after an answer that was lost."""

    def run(self, script, keys, args, meanwhile=None):
        first = super().run(script, keys, args, meanwhile)
        again = super().run(script, keys, args, meanwhile)
        assert again == first
        return first


@pytest.fixture
def twice(server, monkeypatch):
    with redis.Redis(port=server.port) as client:
        client.flushall()
        with RedisChatStore(client=client) as store:
            monkeypatch.setattr(store, "_execute", lambda plan: run(plan, Twice(client, run)))
            yield store


def test_every_write_acts_once(twice):
    twice.set_messages("k", [message("a"), message("b")])
    twice.add_message("k", message("c"))
    twice.add_messages("k", [message("d"), message("e")])
    twice.add_message("k", message("z"), 0)
    twice.add_message("k", message("y"), 1)
    assert twice.delete_message("k", 2) == message("a")
    assert twice.delete_last_message("k") == message("e")
    assert [message.content for message in twice.get_messages("k")] == ["z", "y", "b", "c", "d"]
    twice.delete_messages("k")
    assert twice.count_messages("k") == 0
    twice.add_message("k", message("last"))
    assert twice.delete_last_message("k") == message("last")
    assert twice.get_keys() == []


@pytest.fixture
def late(server, request, monkeypatch):
    """Return a store, and what sends all its calls once more."""
    sent = []

    class Noting(Commands):
        def run(self, script, keys, args, meanwhile=None):
            sent.append((script, keys, args))
            return super().run(script, keys, args, meanwhile)

    with redis.Redis(port=server.port) as client:
        client.flushall()
        with RedisChatStore(client=client, ttl=getattr(request, "param", None)) as store:
            monkeypatch.setattr(store, "_execute", lambda plan: run(plan, Noting(client, run)))

            store._sent = sent

            def repeat():
                return [
                    Commands(client, run).run(script, keys, args)
                    for script, keys, args in tuple(sent)
                ]

            yield store, repeat


def test_a_late_repetition_does_not_undo_what_followed(late):
    store, repeat = late
    store.add_message("k", message("a"))
    store.set_messages("k", [message("b"), message("c")])
    store.delete_last_message("k")
    store.delete_messages("k")
    store.add_message("k", message("d"))
    repeat()
    assert store.get_messages("k") == [message("d")]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    "removal",
    [
        lambda store: store.delete_last_message("k"),
        lambda store: store.delete_message("k", 1),
        lambda store: store.delete_messages("k"),
        lambda store: store.set_messages("k", [message("d"), message("e")]),
        lambda store: store.set_messages("k", []),
    ],
    ids=["last", "middle", "all", "replaced", "replaced by nothing"],
)
def test_what_was_removed_does_not_come_back(late, removal, named):
    store, repeat = late
    for text in "abcd":
        store.add_message("k", ChatMessage(role="user", content=text, id=text if named else None))
    store.add_messages("k", [message("e"), message("f"), message("g")])
    store.add_message("k", message("inserted"), 2)
    removal(store)
    store.add_message("k", message("last"))
    before = store.get_messages("k")
    repeat()
    assert store.get_messages("k") == before


def test_an_id_that_was_removed_may_come_again(late):
    store, _ = late
    message = ChatMessage(role="user", content="a", id="a")
    store.add_message("k", message)
    store.delete_last_message("k")
    store.add_message("k", message)
    assert store.get_messages("k") == [message]


def test_large_batches_do_not_come_back(late):
    store, repeat = late
    for _ in range(64):
        store.add_messages("k", [message("a")] * 64)
    store.delete_messages("k")
    repeat()
    assert store.count_messages("k") == 0


@pytest.mark.parametrize("late", [0.05], indirect=True)
def test_what_expired_does_not_come_back(late):
    store, repeat = late
    store.add_message("k", message("a"))
    deadline = time.monotonic() + 10
    while store.get_keys():
        assert time.monotonic() < deadline
    repeat()
    assert store.count_messages("k") == 0


WRITES = {
    "append": lambda store: store.add_message("k", message("late")),
    "append many": lambda store: store.add_messages("k", [message("late"), message("later")]),
    "insert": lambda store: store.add_message("k", message("late"), 0),
    "replace": lambda store: store.set_messages("k", [message("late")]),
    "remove": lambda store: store.delete_message("k", 0),
    "remove last": lambda store: store.delete_last_message("k"),
    "remove nothing": lambda store: store.delete_message("k", 10_000),
    "delete": lambda store: store.delete_messages("k"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_call_acts_once_however_many_others_come_between(late, url, write):
    store, repeat = late
    others = RedisChatStore(url)
    others.set_messages("k", [message("a"), message("b"), message("c")])
    WRITES[write](store)
    for number in range(400):
        others.add_message("k", message(str(number)))
        if number % 2:
            others.delete_message("k", 0)
    for number in range(300 if write == "delete" else 0):
        others.add_message("k", message(str(number)))
    before = others.get_messages("k")
    repeat()
    assert others.get_messages("k") == before
    others.delete_messages("k")
    repeat()
    assert others.count_messages("k") == 0
    others.close()


def test_the_answer_of_a_removal_is_remembered(late, url):
    store, repeat = late
    with RedisChatStore(url) as others:
        others.set_messages("k", [message(str(number)) for number in range(500)])
        assert store.delete_message("k", 0) == message("0")
        for _ in range(300):
            others.delete_message("k", 0)
        assert [reply[0] for reply in repeat()] == ["removed"]
        assert others.count_messages("k") == 199


@pytest.fixture
def clock(monkeypatch):
    """Return the clocks of the client, which a test can set forward."""
    ahead = SimpleNamespace(wall=0.0, monotonic=0.0)
    clocks = SimpleNamespace(
        time=lambda: time.time() + ahead.wall, monotonic=lambda: time.monotonic() + ahead.monotonic
    )
    monkeypatch.setattr("chatstore.redis_scripts.call_clock.time", clocks)
    return ahead


@pytest.mark.parametrize("hours", [-100_000, -1, 1, 100_000])
def test_clocks_may_differ(late, clock, hours):
    store, repeat = late
    clock.wall = hours * 3600.0
    store.add_message("k", message("a"))
    assert store.delete_last_message("k") == message("a")
    assert len(sent_of(store)) == 3  # the first call learned the server's time
    repeat()
    assert store.count_messages("k") == 0


def sent_of(store):
    return store._sent


@pytest.mark.parametrize("suspended", [False, True])
def test_a_call_that_is_too_old_is_not_applied(late, client, clock, suspended, monkeypatch):
    """The server may have forgotten it."""
    store, _ = late
    store.set_messages("k", [message("a"), message("b"), message("c")])
    sending = store._clock.sending

    def delayed(send):
        def send_late(_):
            clock.wall += 0 if suspended else 1000
            clock.monotonic += 1000
            return send(1)

        return sending(send_late)

    monkeypatch.setattr(store._clock, "sending", delayed)
    for write in WRITES.values():
        with pytest.raises(OutcomeUnknownError, match=r"read the\s+conversation"):
            write(store)
    assert store.get_messages("k") == [message("a"), message("b"), message("c")]
