"""What ``ChatStore`` does for every harness, seen through ``SimpleChatStore``."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest

from chatstore.core import (
    ChatMessage,
    ChatStoreError,
    ConversationChangedError,
    CorruptMessageError,
    InvalidArgumentError,
    InvalidKeyError,
    InvalidMessageError,
    MessageConflictError,
    MessageTooLargeError,
    SimpleChatStore,
    StoreClosedError,
    StoreUnavailableError,
)
from chatstore.core.backend import Plan, StoredRecord, call


def say(text: str, **fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content=text, **fields)


def texts(messages: Any) -> list[Any]:
    return [message.content for message in messages]


def filled(count: int, **options: Any) -> SimpleChatStore:
    store = SimpleChatStore(**options)
    store.add_messages("a", [say(str(i)) for i in range(count)])
    return store


def test_append_insert_and_remove_are_those_of_a_list() -> None:
    for index in (-9, -3, -1, 0, 1, 3, 9, -(10**30), 10**30):
        store, model = filled(3), ["0", "1", "2"]
        store.add_message("a", say("x"), index)
        model.insert(max(-9, min(9, index)), "x")
        assert texts(store.get_messages("a")) == model
        removed = store.delete_message("a", index)
        expected = model.pop(index) if -4 <= index < 4 else None
        assert (removed and removed.content) == expected
        assert texts(store.get_messages("a")) == model


def test_both_colours_on_one_store() -> None:
    store = SimpleChatStore()

    async def main() -> None:
        await store.async_add_message("a", say("0"))
        store.add_message("a", say("1"))
        await store.async_add_messages("a", [say("2"), say("3")])
        assert texts(await store.async_get_messages("a", last=2)) == ["2", "3"]
        assert texts([m async for m in store.async_iter_messages("a", page_size=1)]) == list("0123")
        assert await store.async_get_keys() == ["a"]
        last = await store.async_delete_last_message("a")
        assert last == say("3")
        assert await store.async_delete_message("a", 0) == say("0")
        await store.async_set_messages("a", [say("new")])
        assert await store.async_count_messages("a") == 1
        await store.async_delete_messages("a")
        assert store.get_keys() == []
        await store.async_close()

    asyncio.run(main())
    with pytest.raises(StoreClosedError):
        store.get_messages("a")


def test_an_id_is_taken_once() -> None:
    store = SimpleChatStore()
    store.add_message("a", say("0", id="x"))
    store.add_message("a", say("0", id="x"))
    store.add_message("a", say("0", id="x"), 0)
    store.add_messages("a", [say("0", id="x"), say("1")])
    assert texts(store.get_messages("a")) == ["0", "1"]
    for add in (
        lambda: store.add_message("a", say("other", id="x")),
        lambda: store.add_message("a", say("other", id="x"), 0),
        lambda: store.add_messages("a", [say("2"), say("other", id="x")]),
    ):
        with pytest.raises(MessageConflictError):
            add()
    assert texts(store.get_messages("a")) == ["0", "1"]
    store.delete_message("a", 0)
    store.add_message("a", say("back", id="x"))
    assert texts(store.get_messages("a")) == ["1", "back"]
    with pytest.raises(InvalidMessageError):
        store.add_messages("b", [say("0", id="x"), say("0", id="x")])


def test_arguments_are_refused_before_the_backend_is_asked() -> None:
    class Untouched(SimpleChatStore):
        max_message_bytes = 300

        def _execute(self, plan: Plan[Any]) -> Any:
            plan.close()
            pytest.fail("the harness was asked")

    store: Any = Untouched()
    for key in ("", "x" * 256, "é" * 128, "\ud800", 1, None, b"a"):
        with pytest.raises(InvalidKeyError):
            store.get_messages(key)
        with pytest.raises(InvalidKeyError):
            store.iter_messages(key)
    for call_ in (
        lambda: store.get_messages("a", last=-1),
        lambda: store.get_messages("a", last=True),
        lambda: store.delete_message("a", True),
        lambda: store.delete_message("a", "0"),
        lambda: store.add_message("a", say("x"), 1.0),
        lambda: store.iter_messages("a", page_size=0),
        lambda: store.async_iter_messages("a", page_size=0),
        lambda: store.iter_keys("", 0),
        lambda: store.iter_keys(b""),
        lambda: store.add_message("a", {"role": "user"}),
        lambda: store.add_messages("a", say("x")),
        lambda: store.set_messages("a", "text"),
        lambda: store.set_messages("a", None),
    ):
        with pytest.raises(InvalidArgumentError):
            call_()
    store.max_message_bytes = 300
    with pytest.raises(MessageTooLargeError):
        store.add_message("a", say("é" * 150))


def test_iteration_both_ways_and_through_changes() -> None:
    store = filled(7)
    for size in (1, 2, 7, 100):
        assert texts(store.iter_messages("a", page_size=size)) == list("0123456")
        backwards = store.iter_messages("a", reverse=True, page_size=size)
        assert texts(backwards) == list("6543210")
    assert list(store.iter_messages("none")) == []

    forwards = store.iter_messages("a", page_size=2)
    backwards = store.iter_messages("a", reverse=True, page_size=2)
    seen, seen_back = [next(forwards)], [next(backwards)]
    store.add_message("a", say("7"))
    store.delete_message("a", 3)
    assert texts([*seen, *forwards]) == list("0124567")
    assert texts([*seen_back, *backwards]) == list("654210")


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.set_messages("a", [say("x")] * 5),
        lambda store: store.delete_messages("a"),
        lambda store: store.add_message("a", say("x"), 0),
    ],
)
def test_an_iterator_says_that_its_conversation_was_changed(change: Any) -> None:
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
        store.add_message(key, say("x"))
    assert sorted(store.get_keys()) == sorted(keys)
    assert sorted(store.iter_keys("a", page_size=1)) == sorted(["a", "a/b", "a*", "a'\n"])
    store.set_messages("a", [])
    store.delete_last_message("A")
    assert sorted(store.get_keys()) == sorted(set(keys) - {"a", "A"})


def test_leading_records_come_with_the_newest() -> None:
    store = filled(5)
    page = store._run(store._read_newest("a", 2, leading=3), "test")
    assert [record.position for record in page.records] == [3, 4]
    assert [record.position for record in page.leading] == [0, 1, 2]


def test_conversations_expire_after_their_last_write() -> None:
    now = [1000.0]
    store = filled(2, ttl=10, clock=lambda: now[0])
    store.add_message("b", say("x"))
    now[0] += 9
    store.add_message("b", say("y"))
    now[0] += 1
    assert store.get_keys() == ["b"]
    assert store.count_messages("a") == 0
    assert store.get_messages("a") == []
    assert list(store.iter_messages("a")) == []
    assert store.delete_last_message("a") is None
    assert '"a"' not in store.json()
    store.add_message("a", say("new"))
    assert texts(store.get_messages("a")) == ["new"]


def test_expired_conversations_are_dropped_without_being_asked_for() -> None:
    now = [1000.0]
    store = SimpleChatStore(ttl=10, clock=lambda: now[0])
    for i in range(20):
        store.add_message(f"key {i}", say("x"))
        now[0] += 1
    assert len(store._conversations) == 10


def test_a_corrupt_record_is_named_and_kept() -> None:
    store = filled(3)
    store._conversations["a"].records[1] = StoredRecord(1, '{"v":1,"role":')
    with pytest.raises(CorruptMessageError) as caught:
        store.get_messages("a")
    assert (caught.value.key, caught.value.position) == ("a", 1)
    with pytest.raises(CorruptMessageError):
        store.delete_message("a", 1)
    assert store.count_messages("a") == 3


class FakeDriverError(Exception):
    """What a driver might raise."""


class Broken(SimpleChatStore):
    """A store whose driver fails."""

    error: Exception = FakeDriverError("password=hunter2")

    def _fail(self, _client: object) -> int:
        raise self.error

    def _count(self, key: str) -> Plan[int]:
        return (yield from call(self._fail))

    def _close(self) -> None:
        self._fail(None)

    def _translate(self, error: Exception) -> StoreUnavailableError | None:
        return StoreUnavailableError("down") if isinstance(error, FakeDriverError) else None


def test_drivers_errors_leave_as_ours() -> None:
    store = Broken()
    for act in (
        lambda: store.count_messages("a"),
        lambda: asyncio.run(store.async_count_messages("a")),
        lambda: Broken().close(),
        lambda: asyncio.run(Broken().async_close()),
    ):
        with pytest.raises(
            StoreUnavailableError, match=r"^(count_messages|close): down$"
        ) as caught:
            act()
        assert "hunter2" not in "".join(map(str, chain_of(caught.value)))
        assert str(caught.value.__cause__).endswith("FakeDriverError")


def chain_of(error: BaseException | None) -> list[BaseException]:
    """Return an error and everything that a traceback could show behind it."""
    if error is None:
        return []
    return [error, *chain_of(error.__cause__), *chain_of(error.__context__)]


def test_no_other_class_of_error_leaves() -> None:
    store = Broken()
    for error in (ZeroDivisionError("hunter2"), TypeError("hunter2"), RecursionError("hunter2")):
        store.error = error
        with pytest.raises(ChatStoreError, match=type(error).__name__) as caught:
            store.count_messages("a")
        assert "hunter2" not in "".join(map(str, chain_of(caught.value)))


def test_errors_cross_processes() -> None:
    original = CorruptMessageError("cannot be read", key="a", position=3)
    original.operation = "get_messages"
    copied = pickle.loads(pickle.dumps(original))
    assert (type(copied), str(copied)) == (CorruptMessageError, str(original))
    assert (copied.key, copied.position) == ("a", 3)


def test_a_closed_store_refuses_everything() -> None:
    store: Any = filled(1)
    with store:
        pass
    store.close()
    for act in (
        lambda: store.add_message("a", say("x")),
        lambda: store.get_messages("a", last=0),
        store.get_keys,
        lambda: next(store.iter_messages("a")),
        lambda: asyncio.run(store.async_delete_messages("a")),
    ):
        with pytest.raises(StoreClosedError):
            act()


def damaged(count: int, index: int) -> SimpleChatStore:
    store = filled(count)
    records = store._conversations["a"].records
    records[index] = StoredRecord(records[index].position, "{")
    return store


def test_an_iterator_does_what_the_caller_says_about_damaged_messages() -> None:
    for reverse in (False, True):
        store = damaged(5, 2)
        expected = ["0", "1", "3", "4"]
        got = texts(store.iter_messages("a", page_size=2, reverse=reverse, on_corrupt="skip"))
        assert got == (expected[::-1] if reverse else expected)
        with pytest.raises(CorruptMessageError):
            list(store.iter_messages("a", page_size=2, reverse=reverse))
    positions: list[int] = []

    def replace(error: CorruptMessageError) -> ChatMessage:
        positions.append(error.position)
        store.delete_message("a", 2, force=True)  # the function may use the store
        return say("lost")

    store = damaged(5, 2)
    assert texts(store.iter_messages("a", on_corrupt=replace)) == ["0", "1", "lost", "3", "4"]
    assert positions == [2]
    assert texts(store.get_messages("a")) == ["0", "1", "3", "4"]
    for wrong in ("ignore", None, 1):
        with pytest.raises(InvalidArgumentError, match="on_corrupt"):
            store.iter_messages("a", on_corrupt=wrong)  # type: ignore[arg-type]


def test_a_damaged_message_is_removed_by_force() -> None:
    for index, left in ((1, ["0", "2"]), (-2, ["0", "2"])):
        store = damaged(3, 1)
        with pytest.raises(CorruptMessageError, match="force=True"):
            store.delete_message("a", index)
        assert store.delete_message("a", index, force=True) is None
        assert texts(store.get_messages("a")) == left
    store = damaged(2, 1)
    assert store.delete_last_message("a", force=True) is None
    assert store.delete_last_message("a", force=True) == say("0")
    assert store.get_keys() == []


def test_memory_pickles_and_copies_with_its_conversations() -> None:
    store = filled(2)
    for copied in (pickle.loads(pickle.dumps(store)), copy.deepcopy(store)):
        copied.add_message("a", say("2"))
        assert texts(copied.get_messages("a")) == ["0", "1", "2"]
        assert texts(store.get_messages("a")) == ["0", "1"]
    assert copy.copy(store) is store
    now = SimpleChatStore(clock=lambda: 1.0)
    with pytest.raises(TypeError, match="clock"):
        pickle.dumps(now)


def test_calls_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = filled(1)
    with caplog.at_level("INFO", "chatstore"):
        store.get_messages("a")
    assert caplog.records == []
    with caplog.at_level("DEBUG", "chatstore"):
        store.add_message("a", say("what was said"))
    [record] = caplog.records
    assert "add_message" in record.getMessage()
    assert "'a'" in record.getMessage()
    assert "said" not in record.getMessage()
