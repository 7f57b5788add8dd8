"""A window of a long conversation reads what it needs, and no more."""

from __future__ import annotations

import pytest

from chatstore.conditional.head import load
from chatstore.conditional.names import SEAL, record_id
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import ChatMemoryBuffer, ChatMessage


class CountingDatabase(MemoryDatabase):
    """Notes which records are asked for."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def read_records(self, key, ids):
        self.asked.append(list(ids))
        return super().read_records(key, ids)


def say(text, role="user"):
    return ChatMessage(role=role, content=text)


@pytest.fixture
def database():
    return CountingDatabase()


@pytest.fixture
def store(database):
    with MemoryChatStore(database) as opened:
        yield opened


def window(store):
    buffer = ChatMemoryBuffer(20, store, "k", tokenizer_fn=str.split)
    return [message.content for message in buffer.get()]


def test_first_records_are_read_once(database, store):
    store.set_messages("k", [say("be nice", "system"), *(say(f"q{n}") for n in range(200))])
    assert window(store)[0] == "be nice"
    database.asked.clear()
    store.add_message("k", say("new"))

    assert window(store)[0] == "be nice"
    assert window(store)[-1] == "new"
    head = load(database.heads["k"][0])
    assert database.asked
    assert all(record_id(head.stream, 0) not in ids for ids in database.asked)


def test_a_new_first_record_is_seen(database, store):
    store.set_messages("k", [say("be nice", "system"), *(say(f"q{n}") for n in range(200))])
    window(store)
    store.delete_message("k", 0)
    assert window(store)[0] != "be nice"
    store.add_message("k", say("be brief", "system"), 0)
    assert window(store)[0] == "be brief"

    with MemoryChatStore(database) as other:
        other.set_messages("k", [say("be quick", "system"), say("q")])
    assert window(store) == ["be quick", "q"]


def test_appends_to_what_was_set_again_continue_its_run(database, store):
    for _ in range(2):
        store.set_messages("k", [say(f"q{n}") for n in range(500)])
    for number in range(500, 503):
        store.add_message("k", say(f"q{number}"))

    head = load(database.heads["k"][0])
    assert head.numbers == 1003
    assert len(head.entries) == 1
    assert [message.content for message in store.get_messages("k")] == [f"q{n}" for n in range(503)]


def test_a_missing_conversation_costs_two_reads(database, store):
    assert store.get_messages("k") == []
    assert database.asked == [[SEAL]]
