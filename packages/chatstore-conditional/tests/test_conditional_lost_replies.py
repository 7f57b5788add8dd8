"""Calls whose commit was refused, or got no reply, before other stores wrote a lot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from chatstore.conditional import HeadWrite, Limits
from chatstore.conditional.lost_replies import REMEMBERED
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import (
    ChatMessage,
    ChatStore,
    ConversationExistsError,
    OutcomeUnknownError,
    RevisionConflictError,
    StoreUnavailableError,
)
from chatstore.core.backend import Plan, call

Commit = Callable[[], Any]
LARGE = 150  # messages, more than fit into one commit
BIG = "P" * 500_000
MANY = REMEMBERED + 6


class EventfulDatabase(MemoryDatabase):
    """Calls an event instead of a commit; the event is given the commit."""

    def __init__(self) -> None:
        super().__init__(Limits(100, 400_000, 100_000))
        self.events: list[Callable[[Commit], Any] | None] = []

    def commit(self, key: str, write: HeadWrite) -> Plan[Any, str | None]:
        [act] = super().commit(key, write)
        event = self.events.pop(0) if self.events else None
        return call(act if event is None else lambda client: event(lambda: act(client)))


@pytest.fixture
def database() -> EventfulDatabase:
    return EventfulDatabase()


@pytest.fixture
def store(database: EventfulDatabase) -> Iterator[ChatStore]:
    with MemoryChatStore(database) as store:
        store.set_messages("k", [message("0"), message("1", id="one"), message("2")])
        yield store


@pytest.fixture
def other(database: EventfulDatabase) -> Iterator[ChatStore]:
    with MemoryChatStore(database) as store:
        yield store


def message(text: str, **fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content=text, **fields)


def contents(store: ChatStore) -> list[Any]:
    return [stored.content for stored in store.get_messages("k")]


def lost() -> None:
    raise StoreUnavailableError("no reply")


def append_many(store: ChatStore) -> None:
    for number in range(MANY):
        store.add_message("k", message(f"x{number}"))


def large(*, ids: bool = False) -> list[ChatMessage]:
    return [message(str(n), id=f"i{n}" if ids else None) for n in range(LARGE)]


def put(contents: list[Any], text: str) -> list[Any]:
    """Return the contents after the message with the id "one" was put."""
    if "1" not in contents:
        return [*contents, text]
    return [text if one == "1" else one for one in contents]


Change = Callable[[list[Any]], list[Any]]
# Each call with its effect on a list, and how many commits precede the deciding one.
CALLS: dict[str, tuple[Callable[[ChatStore], object], Change, int]] = {
    "append": (lambda s: s.add_message("k", message("A")), lambda t: [*t, "A"], 0),
    "append with an id": (
        lambda s: s.add_message("k", message("A", id="A")),
        lambda t: [*t, "A"],
        0,
    ),
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
    "insert": (lambda s: s.add_message("k", message("A"), 0), lambda t: ["A", *t], 0),
    "insert with an id": (
        lambda s: s.add_message("k", message("A", id="A"), 1),
        lambda t: [*t[:1], "A", *t[1:]],
        0,
    ),
    "set": (lambda s: s.set_messages("k", [message("S")]), lambda _: ["S"], 0),
    "set many": (
        lambda s: s.set_messages("k", large()),
        lambda _: [m.content for m in large()],
        1,
    ),
    "delete the first": (lambda s: s.delete_message("k", 0), lambda t: t[1:], 0),
    "delete the middle": (lambda s: s.delete_message("k", 1), lambda t: [t[0], *t[2:]], 0),
    "delete the last": (lambda s: s.delete_last_message("k"), lambda t: t[:-1], 0),
    "delete all": (lambda s: s.delete_messages("k"), lambda _: [], 0),
    "put a new one": (lambda s: s.put_message("k", message("A", id="A")), lambda t: [*t, "A"], 0),
    "put": (lambda s: s.put_message("k", message("P", id="one")), lambda t: put(t, "P"), 0),
    "put a large one": (
        lambda s: s.put_message("k", message(BIG, id="one")),
        lambda t: put(t, BIG),
        1,
    ),
    "remove by id": (
        lambda s: s.remove_message("k", "one"),
        lambda t: [text for text in t if text != "1"],
        0,
    ),
    "rename": (lambda s: s.update_conversation("k", title="t"), lambda t: t, 0),
}
OTHERS: dict[str, tuple[Callable[[ChatStore], object], Change]] = {
    "append": (lambda _: None, lambda t: t),
    "remove what was written": (lambda s: s.delete_last_message("k"), lambda t: t[:-1]),
    "remove the first": (lambda s: s.delete_message("k", 0), lambda t: t[1:]),
    "set": (lambda s: s.set_messages("k", [message("later")]), lambda _: ["later"]),
    "delete all": (lambda s: s.delete_messages("k"), lambda _: []),
    "insert": (lambda s: s.add_message("k", message("I"), 0), lambda t: ["I", *t]),
}


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_whose_reply_was_lost_is_never_applied_again(
    store: ChatStore, other: ChatStore, database: EventfulDatabase, name: str, others: str
) -> None:
    act, effect, before = CALLS[name]
    meanwhile, change = OTHERS[others]

    def event(commit: Commit) -> None:
        commit()
        meanwhile(other)
        append_many(other)
        lost()

    database.events = [*[None] * before, event]
    with suppress(OutcomeUnknownError):
        act(store)

    expected = change(effect(["0", "1", "2"])) + [f"x{number}" for number in range(MANY)]
    assert contents(store) == expected


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_whose_request_was_lost_is_applied_once_or_reported_as_unknown(
    store: ChatStore, other: ChatStore, database: EventfulDatabase, name: str, others: str
) -> None:
    act, effect, before = CALLS[name]
    meanwhile, change = OTHERS[others]

    def event(_: Commit) -> None:
        meanwhile(other)
        append_many(other)
        lost()

    database.events = [*[None] * before, event]
    present = change(["0", "1", "2"]) + [f"x{number}" for number in range(MANY)]
    try:
        act(store)
    except OutcomeUnknownError:
        assert contents(store) == present
    else:
        assert contents(store) == effect(present)


@pytest.mark.parametrize("name", CALLS)
def test_a_refused_call_goes_on_after_many_other_writes(
    store: ChatStore, other: ChatStore, database: EventfulDatabase, name: str
) -> None:
    act, effect, before = CALLS[name]

    def refused(commit: Commit) -> Any:
        append_many(other)
        return commit()

    database.events = [*[None] * before, refused]
    act(store)

    assert contents(store) == effect(["0", "1", "2", *(f"x{number}" for number in range(MANY))])


@pytest.mark.parametrize("name", CALLS)
def test_a_late_commit_and_a_refusal_take_effect_once(
    store: ChatStore, other: ChatStore, database: EventfulDatabase, name: str
) -> None:
    act, effect, before = CALLS[name]
    late: list[Commit] = []

    def refused(commit: Commit) -> Any:
        late.pop()()
        append_many(other)
        return commit()

    def lose(commit: Commit) -> None:
        late.append(commit)
        lost()

    database.events = [*[None] * before, lose, refused]
    with suppress(OutcomeUnknownError):
        act(store)

    assert contents(store) == effect(["0", "1", "2"]) + [f"x{number}" for number in range(MANY)]


def test_the_same_message_of_another_writer_is_not_mistaken(
    store: ChatStore, other: ChatStore, database: EventfulDatabase
) -> None:
    same = message("A", id="A", created_at="2026-01-01T00:00:00+00:00")

    def event(_: Commit) -> None:
        other.add_message("k", same)
        append_many(other)
        lost()

    database.events = [event]
    store.add_message("k", same, 0)

    assert contents(store).count("A") == 1
    assert contents(store)[3] == "A"


def test_reserved_numbers_are_used_though_the_reply_was_lost(
    store: ChatStore, database: EventfulDatabase
) -> None:
    def lose_reply(commit: Commit) -> None:
        commit()
        lost()

    database.events = [lose_reply]
    store.add_messages("k", large())

    assert len(database.records["k"]) == LARGE + 3 + 2  # a marker, the seal


def test_an_outdated_head_is_read_again_without_patience(database: EventfulDatabase) -> None:
    stores = [MemoryChatStore(database, patience=0) for _ in range(2)]
    for number in range(10):
        stores[number % 2].add_message("k", message(str(number)))

    assert contents(stores[0]) == [str(number) for number in range(10)]


def test_without_patience_a_faster_writer_is_an_error(
    other: ChatStore, database: EventfulDatabase
) -> None:
    def refused(commit: Commit) -> Any:
        other.add_message("k", message("other"))
        return commit()

    store = MemoryChatStore(database, patience=0)
    database.events = [refused]
    with pytest.raises(StoreUnavailableError, match="other writers"):
        store.add_message("k", message("own"))

    assert contents(other) == ["other"]
    store.add_message("k", message("own"))
    assert contents(other) == ["other", "own"]


@pytest.mark.parametrize("is_applied", [False, True])
def test_a_truncation_whose_reply_was_lost_takes_effect_once(
    store: ChatStore, other: ChatStore, database: EventfulDatabase, is_applied: bool
) -> None:
    def event(commit: Commit) -> None:
        if is_applied:
            commit()
        append_many(other)
        lost()

    database.events = [event]
    with suppress(OutcomeUnknownError):
        store.truncate("k", from_id="one")

    later = [f"x{number}" for number in range(MANY)]
    assert contents(store) == (["0", *later] if is_applied else ["0"])


@pytest.mark.parametrize("is_applied", [False, True])
def test_a_conversation_whose_reply_was_lost_is_created_once(
    store: ChatStore, other: ChatStore, database: EventfulDatabase, is_applied: bool
) -> None:
    def event(commit: Commit) -> None:
        if is_applied:
            commit()
        else:
            with suppress(ConversationExistsError):
                other.create_conversation("new", title="of another")
        for number in range(MANY):
            other.add_message("new", message(f"x{number}"))
        lost()

    database.events = [event]
    if is_applied:
        assert store.create_conversation("new", title="own").title == "own"
    else:
        with pytest.raises(ConversationExistsError):
            store.create_conversation("new", title="own")
    conversation = store.get_conversation("new")
    assert conversation is not None
    assert conversation.title == ("own" if is_applied else "of another")
    assert conversation.length == MANY


def test_a_lost_reply_of_an_expected_revision_is_not_a_conflict(
    store: ChatStore, database: EventfulDatabase
) -> None:
    before = store.get_conversation("k")
    assert before is not None

    def event(commit: Commit) -> None:
        commit()
        lost()

    database.events = [event]
    store.add_message("k", message("A"), expected_revision=before.revision)
    assert contents(store) == ["0", "1", "2", "A"]
    with pytest.raises(RevisionConflictError):
        store.add_message("k", message("B"), expected_revision=before.revision)


def test_a_large_write_that_conflicts_leaves_nothing(
    store: ChatStore, other: ChatStore, database: EventfulDatabase
) -> None:
    before = store.get_conversation("k")
    assert before is not None
    records = len(database.records["k"])

    def reserve(commit: Commit) -> Any:
        result = commit()
        other.add_message("k", message("A"))
        return result

    database.events = [reserve]
    with pytest.raises(RevisionConflictError):
        store.add_messages("k", large(), expected_revision=before.revision)
    assert contents(store) == ["0", "1", "2", "A"]
    assert len(database.records["k"]) == records + 1
