"""A window of a long conversation reads only the records that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from chatstore.conditional.head_json import load_head
from chatstore.conditional.names import SEAL, record_id
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore
from chatstore.core.backend import Plan


class CountingDatabase(MemoryDatabase):
    """Remembers which records are requested."""

    def __init__(self) -> None:
        super().__init__()
        self.requested: list[list[str]] = []

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Any, dict[str, str]]:
        self.requested.append(list(ids))
        return super().read_records(key, ids)


def message(text: str, role: Any = "user") -> ChatMessage:
    return ChatMessage(role=role, content=text)


@pytest.fixture
def database() -> CountingDatabase:
    return CountingDatabase()


@pytest.fixture
def store(database: CountingDatabase) -> Iterator[MemoryChatStore]:
    with MemoryChatStore(database) as opened:
        yield opened


def window(store: ChatStore) -> list[Any]:
    buffer = ChatMemoryBuffer(20, store, "k", tokenizer_fn=str.split)
    return [stored.content for stored in buffer.get()]


def test_first_records_are_read_once(database: CountingDatabase, store: MemoryChatStore) -> None:
    store.set_messages("k", [message("be nice", "system"), *(message(f"q{n}") for n in range(200))])
    assert window(store)[0] == "be nice"
    database.requested.clear()
    store.add_message("k", message("new"))

    assert window(store)[0] == "be nice"
    assert window(store)[-1] == "new"
    head = load_head(database.heads["k"][0])
    assert database.requested
    assert all(record_id(head.stream, 0) not in ids for ids in database.requested)


def test_a_new_first_record_is_seen(database: CountingDatabase, store: MemoryChatStore) -> None:
    store.set_messages("k", [message("be nice", "system"), *(message(f"q{n}") for n in range(200))])
    window(store)
    store.delete_message("k", 0)
    assert window(store)[0] != "be nice"
    store.add_message("k", message("be brief", "system"), 0)
    assert window(store)[0] == "be brief"

    with MemoryChatStore(database) as other:
        other.set_messages("k", [message("be quick", "system"), message("q")])
    assert window(store) == ["be quick", "q"]


def test_appends_to_what_was_set_again_continue_its_run(
    database: CountingDatabase, store: MemoryChatStore
) -> None:
    for _ in range(2):
        store.set_messages("k", [message(f"q{n}") for n in range(500)])
    for number in range(500, 503):
        store.add_message("k", message(f"q{number}"))

    head = load_head(database.heads["k"][0])
    assert head.next_number == 1003
    assert len(head.entries) == 1
    assert [stored.content for stored in store.get_messages("k")] == [f"q{n}" for n in range(503)]


def test_a_missing_conversation_costs_two_reads(
    database: CountingDatabase, store: MemoryChatStore
) -> None:
    assert store.get_messages("k") == []
    assert database.requested == [[SEAL]]
