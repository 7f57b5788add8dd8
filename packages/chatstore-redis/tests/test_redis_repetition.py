"""A script that is sent twice takes effect once, and has the same answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import redis
from redis_interception import Interceptor, backend_of, intercept

from chatstore.core import ChatMessage, OutcomeUnknownError
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts import Attempt, Command
from chatstore.redis_scripts.request_clock import RequestClock
from chatstore.redis_scripts.testing import RedisServer


class Twice(Interceptor):
    """Sends every command twice, as after a lost answer."""

    def send(self, command: Command, attempt: Attempt) -> Any:
        first = super().send(command, attempt)
        again = super().send(command, attempt)
        assert again == first
        return first


@pytest.fixture
def twice(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisChatStore]:
    with redis.Redis(port=server.port) as client:
        client.flushall()
        with RedisChatStore(client=client) as store:
            intercept(monkeypatch, store, Twice)
            yield store


def test_every_write_takes_effect_once(twice: RedisChatStore) -> None:
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


def test_every_write_of_conversations_takes_effect_once(twice: RedisChatStore) -> None:
    created = twice.create_conversation("k", owner="ann", title="a")
    assert twice.get_conversation("k") == created
    updated = twice.update_conversation("k", owner="bob", title="b")
    assert twice.get_conversation("k") == updated
    assert [one.key for one in twice.list_conversations(owner="bob").conversations] == ["k"]
    twice.put_message("k", message("a", id="a"))
    twice.put_message("k", message("b", id="b"))
    twice.put_message("k", message("c", id="a"))
    assert [message.content for message in twice.get_messages("k")] == ["c", "b"]
    assert twice.fork("k", "l").length == 2
    assert twice.truncate("k", from_id="b") == 1
    assert twice.remove_message("k", "a") == message("c")
    assert [one.key for one in twice.list_conversations(owner="bob").conversations] == ["l", "k"]
    assert sorted(twice.delete_conversations(owner="bob")) == ["k", "l"]
    assert twice.get_keys() == []


class Late(NamedTuple):
    store: RedisChatStore
    sent: list[Command]
    repeat: Callable[[], list[Any]]


@pytest.fixture
def late(
    server: RedisServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Late]:
    """Return a store, its commands, and a function that sends all of them once more."""
    sent: list[Command] = []

    class Recorder(Interceptor):
        def send(self, command: Command, attempt: Attempt) -> Any:
            reply = super().send(command, attempt)
            sent.append(command)
            return reply

    with redis.Redis(port=server.port) as client:
        client.flushall()
        with RedisChatStore(client=client, ttl=getattr(request, "param", None)) as store:
            own = backend_of(store).clients.for_threads()
            intercept(monkeypatch, store, Recorder)

            def repeat() -> list[Any]:
                return [own.send(command, Attempt()) for command in tuple(sent)]

            yield Late(store, sent, repeat)


def test_a_late_repetition_does_not_undo_what_followed(late: Late) -> None:
    store, _, repeat = late
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
        lambda store: store.truncate("k", from_id=store.get_messages("k")[3].id),
        lambda store: store.remove_message("k", store.get_messages("k")[1].id),
    ],
    ids=["last", "middle", "all", "replaced", "replaced by nothing", "truncated", "by id"],
)
def test_what_was_removed_does_not_come_back(
    late: Late, removal: Callable[[RedisChatStore], object], named: Any
) -> None:
    store, _, repeat = late
    for text in "abcd":
        store.add_message("k", ChatMessage(role="user", content=text, id=text if named else None))
    store.add_messages("k", [message("e"), message("f"), message("g")])
    store.add_message("k", message("inserted"), 2)
    removal(store)
    store.add_message("k", message("last"))
    before = store.get_messages("k")
    repeat()
    assert store.get_messages("k") == before


def test_an_id_that_was_removed_may_be_added_again(late: Late) -> None:
    store = late.store
    message = ChatMessage(role="user", content="a", id="a")
    store.add_message("k", message)
    store.delete_last_message("k")
    store.add_message("k", message)
    assert store.get_messages("k") == [message]


def test_large_batches_do_not_come_back(late: Late) -> None:
    store, _, repeat = late
    for _ in range(64):
        store.add_messages("k", [message("a")] * 64)
    store.delete_messages("k")
    repeat()
    assert store.count_messages("k") == 0


@pytest.mark.parametrize("late", [0.05], indirect=True)
def test_what_expired_does_not_come_back(late: Late) -> None:
    store, _, repeat = late
    store.add_message("k", message("a"))
    deadline = time.monotonic() + 60
    while store.get_keys():
        assert time.monotonic() < deadline
    repeat()
    assert store.count_messages("k") == 0


WRITES: dict[str, Callable[..., Any]] = {
    "append": lambda store: store.add_message("k", message("late")),
    "append many": lambda store: store.add_messages("k", [message("late"), message("later")]),
    "insert": lambda store: store.add_message("k", message("late"), 0),
    "replace": lambda store: store.set_messages("k", [message("late")]),
    "remove": lambda store: store.delete_message("k", 0),
    "remove last": lambda store: store.delete_last_message("k"),
    "remove nothing": lambda store: store.delete_message("k", 10_000),
    "put": lambda store: store.put_message("k", message("late", id="late")),
    "remove by id": lambda store: store.remove_message("k", "c"),
    "truncate": lambda store: store.truncate("k", from_id="c"),
    "update": lambda store: store.update_conversation("k", title="late"),
    "create": lambda store: store.create_conversation("other"),
    "delete": lambda store: store.delete_messages("k"),
}
THREE = [message(text, id=text) for text in "abc"]


@pytest.mark.parametrize("write", WRITES)
def test_a_call_takes_effect_once_however_many_others_come_between(
    late: Late, url: str, write: Any
) -> None:
    store, _, repeat = late
    others = RedisChatStore(url)
    others.set_messages("k", THREE)
    WRITES[write](store)
    for number in range(400):
        others.add_message("k", message(str(number)))
        if number % 2:
            others.delete_message("k", 0)
    for number in range(300 if write == "delete" else 0):
        others.add_message("k", message(str(number)))
    before = others.snapshot("k")
    repeat()
    assert others.snapshot("k") == before
    others.delete_messages("k")
    others.delete_messages("other")
    repeat()
    assert others.get_keys() == []
    others.close()


def test_the_answer_of_a_removal_is_remembered(late: Late, url: str) -> None:
    store, _, repeat = late
    with RedisChatStore(url) as others:
        others.set_messages("k", [message(str(number)) for number in range(500)])
        assert store.delete_message("k", 0) == message("0")
        for _ in range(300):
            others.delete_message("k", 0)
        assert [reply[0] for reply in repeat()] == ["removed"]
        assert others.count_messages("k") == 199


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return the offsets of the client's clocks."""
    ahead = SimpleNamespace(wall=0.0, monotonic=0.0)
    clocks = SimpleNamespace(
        time=lambda: time.time() + ahead.wall, monotonic=lambda: time.monotonic() + ahead.monotonic
    )
    monkeypatch.setattr("chatstore.redis_scripts.request_clock.time", clocks)
    return ahead


@pytest.mark.parametrize("hours", [-100_000, -1, 1, 100_000])
def test_clocks_may_differ(late: Late, clock: SimpleNamespace, hours: int) -> None:
    store, _, repeat = late
    clock.wall = hours * 3600.0
    store.add_message("k", message("a"))
    assert store.delete_last_message("k") == message("a")
    assert len(late.sent) == 3  # the first call learned the server's time
    repeat()
    assert store.count_messages("k") == 0


@pytest.mark.parametrize("suspended", [False, True])
def test_a_call_that_is_too_old_is_not_applied(
    late: Late,
    client: Any,
    clock: SimpleNamespace,
    suspended: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server may have forgotten it."""
    store = late.store
    store.set_messages("k", THREE)

    class LateClock(RequestClock):
        def now(self) -> int:
            clock.wall += 0 if suspended else 1000
            clock.monotonic += 1000
            return 1

    monkeypatch.setattr(backend_of(store).writer, "clock", LateClock())
    for write in WRITES.values():
        with pytest.raises(OutcomeUnknownError, match=r"read the\s+conversation"):
            write(store)
    assert store.get_messages("k") == THREE
    assert store.get_keys() == ["k"]
