"""One layout: conversations written through Upstash are read through Redis, and vice versa."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from upstash_double import UpstashDouble
from upstash_resp import Connection

from chatstore.core import ChatStore
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.upstash import UpstashChatStore

TEXTS = ["a", "", "\0\U0001f600 é", "x" * 6_000_000, None]


@pytest.fixture
def stores(double: UpstashDouble, redis_port: int) -> Iterator[tuple[ChatStore, ChatStore]]:
    with (
        UpstashChatStore(double.url, double.token) as upstash,
        RedisChatStore(f"redis://127.0.0.1:{redis_port}") as redis,
    ):
        yield upstash, redis


@pytest.mark.parametrize("order", [1, -1], ids=["to-redis", "to-upstash"])
def test_each_reads_what_the_other_wrote(stores: tuple[ChatStore, ChatStore], order: int) -> None:
    writer, reader = stores[::order]
    messages = [message(text, additional_kwargs={"n": number}) for number, text in enumerate(TEXTS)]
    writer.set_messages("set {k}", messages)
    writer.add_messages("added", messages)
    writer.add_message("added", message("first"), 0)
    assert reader.get_messages("set {k}") == writer.get_messages("set {k}") == messages
    assert reader.get_messages("added") == [message("first"), *messages]
    assert [message.id for message in reader.iter_messages("added", reverse=True)] == [
        message.id for message in writer.iter_messages("added", reverse=True)
    ]
    assert sorted(reader.get_keys()) == ["added", "set {k}"]
    assert reader.delete_last_message("added") == messages[-1]
    assert writer.count_messages("added") == len(messages)
    reader.delete_messages("set {k}")
    assert writer.get_keys() == ["added"]


@pytest.mark.parametrize("order", [1, -1], ids=["to-redis", "to-upstash"])
def test_conversations_and_owners_of_the_other(
    stores: tuple[ChatStore, ChatStore], order: int
) -> None:
    writer, reader = stores[::order]
    metadata = {"n": [1, "é", "\0"]}
    created = writer.create_conversation("k {", owner="ann \0", title="\0\n", metadata=metadata)
    assert reader.get_conversation("k {") == created
    assert reader.list_conversations(owner="ann \0").conversations == [created]
    reader.add_message("k {", message("a"), expected_revision=created.revision)
    writer.update_conversation("k {", owner="bob")
    assert reader.list_conversations(owner="ann \0").conversations == []
    assert reader.delete_conversations(owner="bob") == ["k {"]
    assert writer.list_conversations(owner="bob").conversations == []


def test_an_id_exists_for_both(stores: tuple[ChatStore, ChatStore]) -> None:
    upstash, redis = stores
    for store in stores:
        store.add_message("k", message("a", id="1"))
    asyncio.run(upstash.async_add_message("k", message("a", id="1")))
    assert redis.count_messages("k") == 1


def test_both_write_at_once(stores: tuple[ChatStore, ChatStore]) -> None:
    def append(store: UpstashChatStore) -> None:
        for number in range(50):
            store.add_message("k", message(f"{type(store).__name__} {number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, stores))
    contents = [[message.content for message in store.get_messages("k")] for store in stores]
    assert contents[0] == contents[1]
    for store in stores:
        name = type(store).__name__
        mine = [text for text in contents[0] if str(text).startswith(name)]
        assert mine == [f"{name} {number}" for number in range(50)]


def test_keys_of_other_programs_are_neither_listed_nor_touched(
    stores: tuple[ChatStore, ChatStore], redis: Connection
) -> None:
    others = [b"k", b"chatstore", b"chatstore:{k", b"chatstore:{k}:head:x", b"xchatstore:{k}:head"]
    for name in others:
        assert redis.call(b"SET", name, b"other \xff") == b"OK"
    for store in stores:
        store.set_messages("k", [message("a")])
        assert store.get_keys() == ["k"]
        store.delete_messages("k")
    assert [redis.call(b"GET", name) for name in others] == [b"other \xff"] * len(others)
