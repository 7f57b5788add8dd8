"""`operations.write_with_record` begins a conversation with an owner and a title."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core import (
    ChatMessage,
    ChatStore,
    InvalidArgumentError,
    InvalidMessageError,
    StoreUnavailableError,
)
from chatstore.core.backend import Append, Create
from chatstore.core.operations import (
    add_messages,
    add_new_messages,
    check_new_record,
    set_messages,
    write_with_record,
)
from chatstore.core.simple import MemoryBackend

RECORD = check_new_record("ann", "Words")


class Noting(MemoryBackend):
    """Notes the calls that write or read a record; another process may be first."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.before_create: Callable[[], None] = lambda: None

    def read_conversations(self, keys: Any) -> Any:
        self.calls.append("read")
        return super().read_conversations(keys)

    def create(self, key: str, write: Create) -> Any:
        self.calls.append("create")
        self.before_create()
        return super().create(key, write)

    def append(self, key: str, write: Append) -> Any:
        self.calls.append("append")
        return super().append(key, write)


@pytest.fixture
def backend() -> Noting:
    return Noting()


@pytest.fixture
def store(backend: Noting) -> ChatStore:
    return ChatStore(backend)


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def write(store: ChatStore, *messages: ChatMessage, record: Any = RECORD, operation: Any) -> None:
    store.run("write", write_with_record, "k", record, operation, messages)


def record_of(store: ChatStore) -> tuple[Any, ...] | None:
    conversation = store.get_conversation("k")
    if conversation is None:
        return None
    return conversation.owner, conversation.title, conversation.length


@pytest.mark.parametrize("operation", [add_messages, add_new_messages, set_messages])
def test_a_missing_conversation_begins_with_the_record(store: ChatStore, operation: Any) -> None:
    for _ in range(2):
        write(store, message("one"), operation=operation)
        assert record_of(store) == ("ann", "Words", 1)
        store.delete_messages("k")  # begins again with its record
    store.add_message("k", message("one"))
    write(store, message("two"), operation=operation)
    assert record_of(store) == (None, None, 1 if operation is set_messages else 2)


def test_async() -> None:
    async def main() -> None:
        store = ChatStore(Noting())
        messages = [message("one")]
        await store.async_run("write", write_with_record, "k", RECORD, add_messages, messages)
        assert record_of(store) == ("ann", "Words", 1)

    asyncio.run(main())


def test_only_a_record_costs_a_request_more(store: ChatStore, backend: Noting) -> None:
    write(store, message("one"), record=None, operation=add_messages)
    assert backend.calls == ["append"]
    write(store, message("two"), operation=add_messages)
    assert backend.calls == ["append", "read", "append"]


def test_a_conversation_of_another_process_keeps_its_record(
    store: ChatStore, backend: Noting
) -> None:
    def first() -> None:
        backend.before_create = lambda: None
        store.create_conversation("k", owner="bob")

    backend.before_create = first
    write(store, message("one"), operation=add_messages)
    assert record_of(store) == ("bob", None, 1)


def test_messages_wait_for_their_record(store: ChatStore, backend: Noting) -> None:
    def fail() -> None:
        raise StoreUnavailableError("no answer")

    backend.before_create = fail
    with pytest.raises(StoreUnavailableError):
        write(store, message("one"), operation=add_messages)
    assert record_of(store) is None


def test_nothing_begins_without_valid_messages(store: ChatStore, backend: Noting) -> None:
    write(store, operation=add_messages)
    wrong: Any = "one"
    with pytest.raises(InvalidMessageError):
        write(store, wrong, operation=add_messages)
    assert backend.calls == []
    assert record_of(store) is None


def test_records_are_checked() -> None:
    assert check_new_record(None, None) is None
    wrong: Any
    for wrong in [("", None), (5, None), (None, "t" * 1001)]:
        with pytest.raises(InvalidArgumentError):
            check_new_record(*wrong)
