"""The behavior of ``ChatStore`` that does not depend on the backend, tested in memory."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from chatstore.core import (
    ChatStore,
    ConversationChangedError,
    InvalidArgumentError,
    InvalidKeyError,
    InvalidMessageError,
    MessageConflictError,
    MessageTooLargeError,
    SimpleChatStore,
    StoreClosedError,
)
from chatstore.core.backend import Newest, Plan
from chatstore.core.simple import Conversations, MemoryBackend
from chatstore.core.testing.messages import contents, message

T = TypeVar("T")


def filled(count: int) -> SimpleChatStore:
    store = SimpleChatStore()
    store.add_messages("a", [message(str(i)) for i in range(count)])
    return store


def test_append_insert_and_remove_are_those_of_a_list() -> None:
    for index in (-9, -3, -1, 0, 1, 3, 9, -(10**30), 10**30):
        store, model = filled(3), ["0", "1", "2"]
        store.add_message("a", message("x"), index)
        model.insert(max(-9, min(9, index)), "x")
        assert contents(store.get_messages("a")) == model
        removed = store.delete_message("a", index)
        expected = model.pop(index) if -4 <= index < 4 else None
        assert (removed and removed.content) == expected
        assert contents(store.get_messages("a")) == model


def test_both_modes_on_one_store() -> None:
    store = SimpleChatStore()

    async def main() -> None:
        await store.async_add_message("a", message("0"))
        store.add_message("a", message("1"))
        await store.async_add_messages("a", [message("2"), message("3")])
        assert contents(await store.async_get_messages("a", last=2)) == ["2", "3"]
        assert contents([m async for m in store.async_iter_messages("a", page_size=1)]) == list(
            "0123"
        )
        assert await store.async_get_keys() == ["a"]
        last = await store.async_delete_last_message("a")
        assert last == message("3")
        assert await store.async_delete_message("a", 0) == message("0")
        await store.async_set_messages("a", [message("new")])
        assert await store.async_count_messages("a") == 1
        await store.async_delete_messages("a")
        assert store.get_keys() == []
        await store.async_close()

    asyncio.run(main())
    with pytest.raises(StoreClosedError):
        store.get_messages("a")


def test_an_id_is_taken_once() -> None:
    store = SimpleChatStore()
    store.add_message("a", message("0", id="x"))
    store.add_message("a", message("0", id="x"))
    store.add_message("a", message("0", id="x"), 0)
    store.add_messages("a", [message("0", id="x"), message("1")])
    assert contents(store.get_messages("a")) == ["0", "1"]
    adds: list[Callable[[], None]] = [
        lambda: store.add_message("a", message("other", id="x")),
        lambda: store.add_message("a", message("other", id="x"), 0),
        lambda: store.add_messages("a", [message("2"), message("other", id="x")]),
    ]
    for add in adds:
        with pytest.raises(MessageConflictError):
            add()
    assert contents(store.get_messages("a")) == ["0", "1"]
    store.delete_message("a", 0)
    store.add_message("a", message("back", id="x"))
    assert contents(store.get_messages("a")) == ["1", "back"]
    with pytest.raises(InvalidMessageError):
        store.add_messages("b", [message("0", id="x"), message("0", id="x")])


class Untouched(MemoryBackend):
    """A backend that no call may reach."""

    max_message_bytes = 300

    def run(self, plan: Plan[Conversations, T]) -> T:
        plan.close()
        pytest.fail("the backend was called")


def test_arguments_are_refused_before_the_backend_is_called() -> None:
    store: Any = ChatStore(Untouched())
    for key in ("", "x" * 256, "é" * 128, "\ud800", 1, None, b"a"):
        with pytest.raises(InvalidKeyError):
            store.get_messages(key)
        with pytest.raises(InvalidKeyError):
            store.iter_messages(key)
    calls: list[Callable[[], object]] = [
        lambda: store.get_messages("a", last=-1),
        lambda: store.get_messages("a", last=True),
        lambda: store.delete_message("a", True),
        lambda: store.delete_message("a", "0"),
        lambda: store.add_message("a", message("x"), 1.0),
        lambda: store.iter_messages("a", page_size=0),
        lambda: store.async_iter_messages("a", page_size=0),
        lambda: store.iter_keys("", 0),
        lambda: store.iter_keys(b""),
        lambda: store.add_message("a", {"role": "user"}),
        lambda: store.add_messages("a", message("x")),
        lambda: store.set_messages("a", "text"),
        lambda: store.set_messages("a", None),
    ]
    for act in calls:
        with pytest.raises(InvalidArgumentError):
            act()
    with pytest.raises(MessageTooLargeError):
        store.add_message("a", message("é" * 150))


def test_iteration_both_ways_and_through_changes() -> None:
    store = filled(7)
    for size in (1, 2, 7, 100):
        assert contents(store.iter_messages("a", page_size=size)) == list("0123456")
        backwards = store.iter_messages("a", reverse=True, page_size=size)
        assert contents(backwards) == list("6543210")
    assert list(store.iter_messages("missing")) == []

    forwards = store.iter_messages("a", page_size=2)
    backwards = store.iter_messages("a", reverse=True, page_size=2)
    seen, seen_back = [next(forwards)], [next(backwards)]
    store.add_message("a", message("7"))
    store.delete_message("a", 3)
    assert contents([*seen, *forwards]) == list("0124567")
    assert contents([*seen_back, *backwards]) == list("654210")


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.set_messages("a", [message("x")] * 5),
        lambda store: store.delete_messages("a"),
        lambda store: store.add_message("a", message("x"), 0),
    ],
)
def test_an_iterator_says_that_its_conversation_was_changed(
    change: Callable[[ChatStore], None],
) -> None:
    for reverse in (False, True):
        store = filled(6)
        iterator = store.iter_messages("a", reverse=reverse, page_size=2)
        next(iterator)
        change(store)
        with pytest.raises(ConversationChangedError):
            list(iterator)


def test_keys() -> None:
    store = SimpleChatStore()
    keys = ["a", "a/b", "a*", "A", "\0", "é😀", "a'\n"]
    for key in keys:
        store.add_message(key, message("x"))
    assert sorted(store.get_keys()) == sorted(keys)
    assert sorted(store.iter_keys("a", page_size=1)) == sorted(["a", "a/b", "a*", "a'\n"])
    store.set_messages("a", [])
    store.delete_last_message("A")
    assert sorted(store.get_keys()) == sorted(set(keys) - {"a", "A"})


def test_leading_records_come_with_the_newest() -> None:
    store = filled(5)
    page = store.run("read", lambda backend: backend.read_newest("a", Newest(2, leading=3)))
    assert [record.position for record in page.records] == [3, 4]
    assert [record.position for record in page.leading] == [0, 1, 2]


def test_conversations_expire_after_their_last_write() -> None:
    now = [1000.0]
    store = SimpleChatStore(ttl=10, clock=lambda: now[0])
    store.add_messages("a", [message("0"), message("1")])
    store.add_message("b", message("x"))
    now[0] += 9
    store.add_message("b", message("y"))
    now[0] += 1
    assert store.get_keys() == ["b"]
    assert store.count_messages("a") == 0
    assert store.get_messages("a") == []
    assert list(store.iter_messages("a")) == []
    assert store.delete_last_message("a") is None
    assert '"a"' not in store.json()
    store.add_message("a", message("new"))
    assert contents(store.get_messages("a")) == ["new"]


def test_expired_conversations_are_dropped_without_being_read() -> None:
    now = [1000.0]
    backend = MemoryBackend(ttl=10, clock=lambda: now[0])
    for i in range(20):
        ChatStore(backend).add_message(f"key {i}", message("x"))
        now[0] += 1
    assert len(backend.conversations.by_key) == 10


def test_memory_pickles_and_copies_with_its_conversations() -> None:
    store = filled(2)
    for copied in (pickle.loads(pickle.dumps(store)), copy.deepcopy(store)):
        copied.add_message("a", message("2"))
        assert contents(copied.get_messages("a")) == ["0", "1", "2"]
        assert contents(store.get_messages("a")) == ["0", "1"]
    assert copy.copy(store) is store
    now = SimpleChatStore(clock=lambda: 1.0)
    with pytest.raises(TypeError, match="clock"):
        pickle.dumps(now)
