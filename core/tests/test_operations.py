"""What the store's operations do with the results of backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core import (
    ChatStore,
    CorruptMessageError,
    InvalidMessageError,
    MessageConflictError,
    MessageTooLargeError,
    operations,
)
from chatstore.core.backend import Append, Existing, Newest, Plan, Remove, StoredRecord
from chatstore.core.simple import Conversations, MemoryBackend
from chatstore.core.testing.messages import contents, message


class Backend(MemoryBackend):
    """Calls the check of a removal in a way that a test chooses.

    Attributes:
        checks: How often the check is called before the record is removed.

    """

    checks = 1

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        def check(record: StoredRecord) -> None:
            for _ in range(self.checks):
                write.check(record)

        return super().remove(key, Remove(write.target, check))

    def damage(self, index: int) -> None:
        records = self.conversations.by_key["k"].records
        records[index] = records[index]._replace(body='{"v":1,')


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def store(backend: Backend) -> ChatStore:
    store = ChatStore(backend)
    store.add_messages("k", [message(c, id=c) for c in "abc"])
    return store


@pytest.mark.parametrize("checks", [0, 1, 3])
def test_a_removal_returns_the_message_however_often_it_is_checked(
    backend: Backend, store: ChatStore, checks: int
) -> None:
    backend.checks = checks
    assert store.delete_message("k", 1) == message("b")
    assert store.delete_last_message("k", force=True) == message("c")
    assert contents(store.get_messages("k")) == ["a"]
    assert store.delete_message("k", 7) is None


@pytest.mark.parametrize("checks", [1, 3])
def test_a_damaged_message_is_kept_where_it_is_checked(
    backend: Backend, store: ChatStore, checks: int
) -> None:
    backend.checks = checks
    backend.damage(1)
    with pytest.raises(CorruptMessageError):
        store.delete_message("k", 1)
    assert store.count_messages("k") == 3


def test_a_removed_message_that_was_not_checked_is_reported(
    backend: Backend, store: ChatStore
) -> None:
    backend.checks = 0
    backend.damage(1)
    with pytest.raises(CorruptMessageError):
        store.delete_message("k", 1)
    assert contents(store.get_messages("k")) == ["a", "c"]


@pytest.mark.parametrize("checks", [0, 1, 3])
def test_a_damaged_message_is_removed_by_force(
    backend: Backend, store: ChatStore, checks: int
) -> None:
    backend.checks = checks
    backend.damage(1)
    assert store.delete_message("k", 1, force=True) is None
    assert contents(store.get_messages("k")) == ["a", "c"]


def test_a_removal_returns_the_record_that_was_removed_in_the_end(store: ChatStore) -> None:
    """A backend that loses a race checks one record and removes another."""

    class Racing(Backend):
        def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
            page = yield from self.read_newest(key, Newest(1))
            write.check(page.records[0])
            yield from super().remove(key, write)
            return (yield from super().remove(key, write))

    racing = Racing()
    store = ChatStore(racing)
    store.add_messages("k", [message(c) for c in "abc"])
    assert store.delete_last_message("k") == message("b")


class AppearsMeanwhile(MemoryBackend):
    """A backend to which another program adds a message before each append."""

    def __init__(self, *messages: tuple[str, str]) -> None:
        super().__init__()
        self.appearing = list(messages)
        self.appends: list[list[str]] = []

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        if self.appearing:
            content, message_id = self.appearing.pop(0)
            records = operations.encode(self, [message(content, id=message_id)])
            yield from super().append(key, Append(records))
        self.appends.append([record.id for record in write.records])
        return (yield from super().append(key, write))


def test_an_append_is_repeated_without_the_messages_that_exist() -> None:
    backend = AppearsMeanwhile(("b", "b"), ("c", "c"))
    store = ChatStore(backend)
    store.add_messages("k", [message(c, id=c) for c in "abcd"])
    assert backend.appends == [["a", "b", "c", "d"], ["a", "c", "d"], ["a", "d"]]
    assert contents(store.get_messages("k")) == ["b", "c", "a", "d"]


def test_an_append_of_messages_that_all_exist_ends() -> None:
    backend = AppearsMeanwhile(("a", "a"))
    ChatStore(backend).add_message("k", message("a", id="a"))
    assert backend.appends == [["a"]]


def test_an_append_notices_a_conflict_that_appears_meanwhile() -> None:
    store = ChatStore(AppearsMeanwhile(("a", "a"), ("other", "b")))
    with pytest.raises(MessageConflictError, match="'b'"):
        store.add_messages("k", [message("a", id="a"), message("b", id="b")])
    assert contents(store.get_messages("k")) == ["a", "other"]


@pytest.mark.parametrize(
    ("content", "fits"), [("x" * 100, True), ("é" * 100, True), ("é" * 600, False)]
)
def test_the_limit_counts_bytes(content: str, fits: bool, backend: Backend) -> None:
    backend.max_message_bytes = 1000
    store = ChatStore(backend)
    if fits:
        store.add_message("k", message(content))
        return
    with pytest.raises(MessageTooLargeError, match="1000 bytes"):
        store.add_messages("k", [message("small"), message(content)])
    assert store.count_messages("k") == 0


@pytest.mark.parametrize(
    "messages", [message("a"), "text", b"text", {"role": "user"}, None, 7, [message("a"), "text"]]
)
@pytest.mark.parametrize(
    "operation", [operations.set_messages, operations.add_messages, operations.add_new_messages]
)
def test_only_messages_are_accepted(operation: Callable[..., Any], messages: Any) -> None:
    with pytest.raises(InvalidMessageError, match="ChatMessage"):
        operation(MemoryBackend(), "k", messages)


def test_messages_may_come_from_a_generator(store: ChatStore) -> None:
    store.set_messages("k", (message(c) for c in "xy"))
    assert contents(store.get_messages("k")) == ["x", "y"]
