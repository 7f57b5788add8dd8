"""Records, and conversations that are written while they are copied, end whole."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest

from chatstore.core import (
    ChatMessage,
    ChatStore,
    Conversation,
    SimpleChatStore,
    open_store,
)
from chatstore.core.testing.messages import message
from chatstore.migrate import MigrationError, fingerprint, migrate


def numbered(count: int) -> list[ChatMessage]:
    return [message(f"text {number}", id=f"m{number}") for number in range(count)]


def contents(store: ChatStore, key: str = "a") -> list[object]:
    return [one.content for one in store.get_messages(key)]


def move(store: ChatStore, message_id: str) -> None:
    """Put a message behind all others, with other content."""
    store.remove_message("a", message_id)
    store.put_message("a", message("moved", id=message_id))


class DisturbedStore(SimpleChatStore):
    """Calls functions, one after the other, before it adds messages."""

    def __init__(self, *disturbances: Callable[[], object]) -> None:
        super().__init__()
        self.disturbances = list(disturbances)

    def add_messages(
        self, key: str, messages: Iterable[ChatMessage], *, expected_revision: str | None = None
    ) -> None:
        if self.disturbances:
            self.disturbances.pop(0)()
        super().add_messages(key, messages, expected_revision=expected_revision)


def test_records_are_copied(each_store_url: str) -> None:
    source = SimpleChatStore()
    fields: dict[str, Any] = {"owner": "u1", "title": "Title", "metadata": {"plan": {"x": [1]}}}
    source.create_conversation("whole", **fields)
    source.add_messages("whole", numbered(3))
    source.create_conversation("empty")
    source.add_message("bare", message("x"))
    source.put_message("whole", message("new", id="m1").model_copy(update={"metadata": {"n": 1}}))
    with open_store(each_store_url) as store:
        report = migrate(source, store)
        again = migrate(source, store)

        assert fingerprint(store) == fingerprint(source)
        assert (again.copied, again.digest) == (0, report.digest)
        copied = store.get_conversation("whole")
        assert copied is not None
        assert (copied.owner, copied.title, copied.metadata) == tuple(fields.values())
        store.delete_last_message("bare")
        assert sorted(store.get_keys()) == ["empty", "whole"]


def test_selected_by_owner_and_prefix() -> None:
    source = SimpleChatStore()
    for number in range(4):
        source.create_conversation(f"chat/{number}", owner=f"u{number % 2}")
    source.create_conversation("other", owner="u1")
    store = SimpleChatStore()
    migrate(source, store, owner="u1", prefix="chat/")

    assert sorted(store.get_keys()) == ["chat/1", "chat/3"]


def test_another_owner_is_never_mixed_in() -> None:
    source, store = SimpleChatStore(), SimpleChatStore()
    source.create_conversation("a", owner="u1", metadata={"x": 1})
    source.add_messages("a", numbered(2))
    store.create_conversation("a", owner="u2", metadata={"y": 1})
    with pytest.raises(MigrationError, match="another owner"):
        migrate(source, store)

    assert contents(store) == []
    skipped = migrate(source, store, on_error="skip").skipped
    assert [one.key for one in skipped] == ["a"]
    migrate(source, store, overwrite=True)
    assert fingerprint(store) == fingerprint(source)


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.add_messages("a", [message(str(n)) for n in range(300)]),
        lambda store: store.put_message("a", message("the final answer", id="m1")),
        lambda store: store.put_message("a", message("the final answer", id="m900")),
        lambda store: store.truncate("a", from_id="m1"),
        lambda store: store.remove_message("a", "m450"),
        lambda store: store.add_message("a", message("inserted"), 0),
        lambda store: store.set_messages("a", [message("only")]),
        lambda store: move(store, "m1"),
        lambda store: store.update_conversation("a", owner="u2", metadata={"x": None, "y": 1}),
    ],
    ids=["append", "put", "put late", "truncate", "remove", "insert", "replace", "move", "record"],
)
@pytest.mark.parametrize("batches", [0, 4])
def test_a_conversation_that_is_written_during_the_copy_ends_whole(
    change: Callable[[ChatStore], object], batches: int
) -> None:
    source = SimpleChatStore()
    source.create_conversation("a", owner="u1", metadata={"x": 1})
    source.add_messages("a", numbered(1000))
    pauses: list[Callable[[], object]] = [lambda: None] * batches
    store = DisturbedStore(*pauses, lambda: change(source))
    report = migrate(source, store)

    assert store.disturbances == []
    assert fingerprint(store) == fingerprint(source)
    assert report.digest == fingerprint(store).digest
    assert report.messages == source.count_messages("a")


def test_a_partial_copy_of_an_earlier_run_ends_whole() -> None:
    """The copy is resumed, and the source changes once more."""
    source = SimpleChatStore()
    source.add_messages("a", numbered(1000))
    store = DisturbedStore()
    store.add_messages("a", source.get_messages("a")[:100])
    change = partial(source.put_message, "a", message("final", id="m2"))
    store.disturbances += [lambda: None, change]
    migrate(source, store)

    assert fingerprint(store) == fingerprint(source)


def test_a_conversation_that_is_deleted_during_the_copy_is_not_there() -> None:
    source = SimpleChatStore()
    source.add_messages("a", numbered(1000))
    source.add_messages("b", numbered(1))
    store = DisturbedStore(lambda: None, lambda: source.delete_messages("a"))
    report = migrate(source, store)

    assert store.get_keys() == ["b"]
    assert (report.conversations, report.messages) == (1, 1)


def test_messages_that_others_appended_during_the_copy_are_never_removed() -> None:
    source = SimpleChatStore()
    source.add_messages("a", numbered(1000))

    def change() -> None:
        source.put_message("a", message("final", id="m2"))
        SimpleChatStore.add_messages(store, "a", [message("mine")])

    store = DisturbedStore(*[lambda: None] * 4, change)
    with pytest.raises(MigrationError):
        migrate(source, store)

    assert "mine" in contents(store)


class RivalStore(SimpleChatStore):
    """Another process creates the conversation before this one does."""

    def create_conversation(self, key: str, **fields: Any) -> Conversation:
        super().create_conversation(key, owner="rival")
        return super().create_conversation(key, **fields)


def test_a_record_that_another_process_just_created_is_not_changed() -> None:
    source, store = SimpleChatStore(), RivalStore()
    source.create_conversation("a", owner="u1")
    with pytest.raises(MigrationError, match="another owner"):
        migrate(source, store)

    assert [one.owner for one in store.iter_conversations()] == ["rival"]


@pytest.mark.parametrize("writing", ["message", "title"])
def test_a_copy_to_which_others_wrote_is_not_deleted(writing: str) -> None:
    source = SimpleChatStore()
    source.add_messages("a", numbered(1000))

    def change() -> None:
        source.delete_messages("a")
        if writing == "message":
            SimpleChatStore.add_messages(store, "a", [message("mine")])
        else:
            store.update_conversation("a", title="mine")

    store = DisturbedStore(*[lambda: None] * 4, change)
    with pytest.raises(MigrationError, match="others wrote"):
        migrate(source, store)

    assert store.count_messages("a") >= 800


def test_a_conversation_with_a_message_that_is_too_large_is_not_begun() -> None:
    source, store = SimpleChatStore(), SimpleChatStore()
    source.add_messages("a", [*numbered(1000), message("x" * 5000)])
    source.add_message("b", message("x"))
    store.backend.max_message_bytes = 1000
    report = migrate(source, store, on_error="skip")

    assert [one.key for one in report.skipped] == ["a"]
    assert store.get_keys() == ["b"]


def test_writing_without_end_is_an_error() -> None:
    source = SimpleChatStore()
    source.add_messages("a", numbered(300))

    def append() -> None:
        source.add_message("a", message("more", id=uuid.uuid4().hex))

    store = DisturbedStore(*[append] * 500)
    with pytest.raises(MigrationError, match="20 passes"):
        migrate(source, store)


def test_a_lost_message_is_noticed() -> None:
    class LosingStore(SimpleChatStore):
        def add_messages(
            self,
            key: str,
            messages: Iterable[ChatMessage],
            *,
            expected_revision: str | None = None,
        ) -> None:
            super().add_messages(key, [*messages][:-1], expected_revision=expected_revision)

    source = SimpleChatStore()
    source.add_messages("a", numbered(5))
    with pytest.raises(MigrationError, match="differs"):
        migrate(source, LosingStore())
    assert migrate(source, LosingStore(), verify=False).digest is None
