"""Heads and records that are damaged, missing or left over."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.conditional.head import NO_RECORD
from chatstore.conditional.head_json import dump_head, load_head
from chatstore.conditional.names import SEAL, record_id
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import (
    ChatMessage,
    ChatStore,
    ChatStoreError,
    CorruptMessageError,
    CorruptStoreError,
    SchemaVersionError,
)
from chatstore.core.backend import ConversationRecord

COUNT = 60


def message(text: str, **fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content=text, **fields)


def contents(store: ChatStore) -> list[Any]:
    return [stored.content for stored in store.get_messages("k")]


@pytest.fixture
def database() -> MemoryDatabase:
    database = MemoryDatabase()
    with MemoryChatStore(database) as store:
        store.set_messages("k", [message(str(n), id=f"i{n}") for n in range(COUNT)])
        for at in range(1, 30):
            store.delete_message("k", at)
    return database


@pytest.fixture
def store(database: MemoryDatabase) -> Iterator[MemoryChatStore]:
    with MemoryChatStore(database) as store:
        yield store


def record_of(database: MemoryDatabase, index: int) -> str:
    head = load_head(database.heads["k"][0])
    names = sorted(
        (n for n in database.records["k"] if n.startswith(f"{head.stream}.")),
        key=lambda name: int(name.split(".")[1], 16),
    )
    return names[index]


def node_of(database: MemoryDatabase) -> str:
    return next(name for name in database.records["k"] if "_." in name)


def calls() -> dict[str, Callable[[ChatStore], object]]:
    return {
        "get": lambda s: s.get_messages("k"),
        "last": lambda s: s.get_messages("k", last=3),
        "count": lambda s: s.count_messages("k"),
        "append": lambda s: s.add_message("k", message("x")),
        "append with an id": lambda s: s.add_message("k", message("0", id="i0")),
        "append many": lambda s: s.add_messages(
            "k", [message("x", id=f"x{n}") for n in range(150)]
        ),
        "insert": lambda s: s.add_message("k", message("x"), 1),
        "set": lambda s: s.set_messages("k", [message("x")]),
        "remove": lambda s: s.delete_message("k", 1),
        "remove by force": lambda s: s.delete_message("k", 1, force=True),
        "remove last": lambda s: s.delete_last_message("k"),
        "keys": lambda s: s.get_keys(),
        "iterate": lambda s: list(s.iter_messages("k")),
        "purge": lambda s: s.purge_expired(),
        "delete": lambda s: s.delete_messages("k"),
    }


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers()
    | st.floats()
    | st.text(max_size=15)
    | st.sampled_from(["a" * 13, 2**70, -1, 1e400]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.randoms(use_true_random=False), _VALUES, st.sampled_from(sorted(calls())))
def test_a_damaged_head_raises_no_other_error(chance: random.Random, value: Any, name: str) -> None:
    database = MemoryDatabase()
    with MemoryChatStore(database) as writer:
        writer.set_messages("k", [message(str(n), id=f"i{n}") for n in range(40)])
        for at in range(1, 28):
            writer.delete_message("k", at % 12)
    text, version = database.heads["k"]
    fields = json.loads(text)
    target: Any = fields
    part: Any = chance.choice(sorted(fields))
    while isinstance(target[part], list) and target[part] and chance.random() < 0.8:
        target, part = target[part], chance.randrange(len(target[part]))
    target[part] = value
    database.heads["k"] = (json.dumps(fields), version)
    with MemoryChatStore(database, patience=0) as store, suppress(ChatStoreError):
        calls()[name](store)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "7", '"v"', "{}", "[" * 100_000, '{"v":' * 10_000, '{"v":true}',
     '{"v":1}', '{"v":"1"}', '{"v":1e999}', "\ud800", "9" * 5_000, '{"v":' + "9" * 5_000 + "}"],
    ids=range(16),
)  # fmt: skip
@pytest.mark.parametrize("name", [n for n in calls() if n != "delete"])
def test_text_that_is_not_a_head_is_reported(
    database: MemoryDatabase, text: str, name: str
) -> None:
    database.heads["k"] = (text, "version")
    with MemoryChatStore(database) as store, pytest.raises(CorruptStoreError):
        calls()[name](store)


@pytest.mark.parametrize("is_missing", [False, True])
def test_a_conversation_with_a_damaged_head_can_be_deleted(
    database: MemoryDatabase, store: MemoryChatStore, is_missing: bool
) -> None:
    if is_missing:
        del database.heads["k"]
    else:
        database.heads["k"] = ("{", "version")
    store.delete_messages("k")
    assert contents(store) == []
    store.add_message("k", message("new"))
    assert contents(store) == ["new"]


@pytest.mark.parametrize("name", [n for n in calls() if n not in {"delete", "keys", "purge"}])
def test_a_missing_head_is_reported(
    database: MemoryDatabase, store: MemoryChatStore, name: str
) -> None:
    del database.heads["k"]
    with pytest.raises(CorruptStoreError, match="its head is missing"):
        calls()[name](store)
    assert len(database.records["k"]) > COUNT


def test_a_later_version_is_reported(database: MemoryDatabase, store: MemoryChatStore) -> None:
    text, version = database.heads["k"]
    database.heads["k"] = (text.replace('"v":1', '"v":2'), version)
    with pytest.raises(SchemaVersionError, match="version 2"):
        store.count_messages("k")
    with pytest.raises(SchemaVersionError):
        store.delete_messages("k")


DAMAGE = ["", "{", "1|", "1|{", "1|null", "1|[]", "1|" + "[" * 100_000, "0|x", "999999|x",
          "99999999999|x", "9" * 5_000 + "|", "-1|x", "1*|x", "\ud800", '1|{"v":1,"id":7}',
          "99999|x"]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_message_is_reported_and_can_be_removed(
    database: MemoryDatabase, store: MemoryChatStore, text: str
) -> None:
    name = record_of(database, 2)
    database.records["k"][name] = text
    with pytest.raises(CorruptMessageError):
        store.get_messages("k")
    with pytest.raises(CorruptMessageError):
        store.delete_message("k", 2)
    store.add_message("k", message("more"))
    assert store.delete_message("k", 2, force=True) is None
    assert store.count_messages("k") == len(contents(store)) == 31
    assert name not in database.records["k"]


def test_a_missing_message_is_reported_and_can_be_removed(
    database: MemoryDatabase, store: MemoryChatStore
) -> None:
    del database.records["k"][record_of(database, 2)]
    with pytest.raises(CorruptMessageError, match="missing"):
        store.get_messages("k")
    with pytest.raises(CorruptMessageError, match="missing"):
        store.delete_message("k", 2)
    assert store.delete_message("k", 2, force=True) is None
    assert store.count_messages("k") == len(contents(store)) == 30


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_message_with_a_missing_part_can_be_removed(part: int) -> None:
    database = MemoryDatabase()
    with MemoryChatStore(database) as store:
        store.add_messages("k", [message("a"), message("x" * 250_000), message("b")])
        stream = load_head(database.heads["k"][0]).stream
        del database.records["k"][record_id(stream, 1, part)]
        with pytest.raises(CorruptMessageError):
            store.get_messages("k")
        assert store.delete_message("k", 1, force=True) is None
        assert contents(store) == ["a", "b"]


def test_a_damaged_part_of_the_index_is_reported(
    database: MemoryDatabase, store: MemoryChatStore
) -> None:
    name = node_of(database)
    for text in ("", "{", "[]", "[[0,1]]", "[" * 100_000, "9" * 5_000):
        database.records["k"][name] = text
        with pytest.raises(CorruptStoreError):
            store.get_messages("k")
    del database.records["k"][name]
    with pytest.raises(CorruptStoreError, match="index is missing"):
        store.get_messages("k")
    store.set_messages("k", [message("new")])
    assert contents(store) == ["new"]


def test_missing_markers_are_harmless(database: MemoryDatabase, store: MemoryChatStore) -> None:
    head = load_head(database.heads["k"][0])
    for name in [n for n in database.records["k"] if n.startswith(f"{head.generation}-")]:
        del database.records["k"][name]
    first, last = store.delete_message("k", 0), store.delete_last_message("k")
    assert first is not None
    assert last is not None
    assert (first.content, last.content) == ("0", "59")
    assert store.count_messages("k") == 29


def test_a_damaged_marker_is_reported(database: MemoryDatabase, store: MemoryChatStore) -> None:
    head = load_head(database.heads["k"][0])
    for name in [n for n in database.records["k"] if n.startswith(f"{head.generation}-")]:
        database.records["k"][name] = "?"
    with pytest.raises(CorruptStoreError, match="marker"):
        store.add_message("k", message("0", id="i0"))


def test_a_missing_seal_is_harmless(database: MemoryDatabase, store: MemoryChatStore) -> None:
    del database.records["k"][SEAL]
    store.add_message("k", message("more"))
    store.delete_messages("k")
    assert contents(store) == []


def test_a_damaged_head_does_not_keep_others_from_being_purged(
    database: MemoryDatabase,
) -> None:
    chance = random.Random(7)
    with MemoryChatStore(database, ttl=60, clock=lambda: 1_000_000.0) as store:
        for number in range(5):
            store.add_message(f"k{number}", message(str(chance.random())))
    database.heads["k2"] = ("{", "version")
    later = MemoryChatStore(database, ttl=60, clock=lambda: 1_000_061.0)
    with later, pytest.raises(CorruptStoreError):
        later.purge_expired()
    assert [len(database.records[f"k{number}"]) for number in range(5)] == [0, 0, 2, 0, 0]


def test_a_head_keeps_a_conversation_record(database: MemoryDatabase) -> None:
    text, _ = database.heads["k"]
    head = load_head(text)
    record = ConversationRecord("ada", "Größe", '{"n":[1,null]}', index_entry="e")

    assert dump_head(head) == text  # nothing is stored while there is no record
    assert load_head(dump_head(head._replace(record=record))).record == record
    assert head._replace(record=record, entries=()).lifetime is None


def test_a_record_survives_writes_and_goes_with_its_conversation(
    database: MemoryDatabase, store: MemoryChatStore
) -> None:
    text, version = database.heads["k"]
    record = ConversationRecord("ada")
    database.heads["k"] = (dump_head(load_head(text)._replace(record=record)), version)
    revisions = set()
    for name in ("append", "insert", "remove", "set"):
        calls()[name](store)
        head = load_head(database.heads["k"][0])
        assert head.record == record
        revisions.add(head.revision)
    store.delete_messages("k")

    assert len(revisions) == 4
    assert load_head(database.heads["k"][0]).record == NO_RECORD
