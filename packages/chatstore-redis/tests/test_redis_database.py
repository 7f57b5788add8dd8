"""The commands that the store sends to a database, and the keys that it leaves alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from redis_interception import backend_of

from chatstore.core import ChatMemoryBuffer, CorruptStoreError
from chatstore.core.backend.options import MAX_SECONDS
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore


def commands(client: Any) -> int:
    """Return how often each command was called by a client."""
    statistics = client.info("commandstats")
    names = ("cmdstat_eval", "cmdstat_evalsha", "cmdstat_scan", "cmdstat_script|load")
    return sum(statistics[name]["calls"] for name in names if name in statistics)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_one_round_trip_a_call(client: Any, url: str, mode: str) -> None:
    with RedisChatStore(url) as store:
        loop = asyncio.new_event_loop()

        def call(name: str, *arguments: Any, **more: Any) -> Any:
            if mode == "sync":
                return getattr(store, name)(*arguments, **more)
            return loop.run_until_complete(getattr(store, f"async_{name}")(*arguments, **more))

        memory = ChatMemoryBuffer(500, chat_store=store, chat_store_key="k", tokenizer_fn=list)
        call(
            "set_messages",
            "k",
            [message(str(number)) for number in range(backend_of(store).limits.first_page - 10)],
        )

        def window() -> object:
            if mode == "sync":
                return memory.get()
            return loop.run_until_complete(memory.async_get())

        calls: dict[str, Callable[[], object]] = {
            "append": lambda: call("add_message", "k", message("x")),
            "append many": lambda: call("add_messages", "k", [message("y"), message("z")]),
            "newest": lambda: call("get_messages", "k", last=20),
            "all": lambda: call("get_messages", "k"),
            "count": lambda: call("count_messages", "k"),
            "delete last": lambda: call("delete_last_message", "k"),
            "delete": lambda: call("delete_message", "k", 3),
            "window": window,
        }
        counted = {}
        for name, operation in calls.items():
            operation()  # the server learns the script
            before = commands(client)
            operation()
            counted[name] = commands(client) - before
        if mode == "async":
            loop.run_until_complete(store.async_close())
        loop.close()
    assert counted == dict.fromkeys(calls, 1)


def test_keys_of_others_are_left_alone(client: Any, url: str) -> None:
    others = {"chatstore": b"1", "chatstore:x": b"2", "chatstore2:{k}:head": b"3", "{k}:head": b"4"}
    for name, value in others.items():
        client.set(name, value)
    with RedisChatStore(url) as store:
        store.add_message("k", message("x"))
        assert store.get_keys() == ["k"]
        store.delete_messages("k")
        assert store.get_keys() == []
    assert {name: client.get(name) for name in others} == others


def test_namespaces_do_not_see_each_other(client: Any, url: str) -> None:
    names = ["a", "a:", "*", "a*", "[a]", "chatstore"]
    stores = [RedisChatStore(url, namespace=name) for name in names]
    for name, store in zip(names, stores, strict=True):
        store.add_message("k", message(name))
        store.add_message(name, message(name))
    for name, store in zip(names, stores, strict=True):
        assert sorted(store.get_keys()) == sorted(["k", name])
        assert store.get_messages("k") == [message(name)]
        store.close()


def test_a_deleted_conversation_leaves_nothing_forever(client: Any, url: str) -> None:
    with RedisChatStore(url) as store:
        store.add_messages("k", [message("x"), message("y")])
        store.delete_last_message("k")
        store.delete_last_message("k")
        store.add_message("l", message("x"))
        store.delete_messages("l")
    for name in client.keys("*"):
        assert client.ttl(name) > 0, name


def test_parts_expire_in_one_millisecond(client: Any, url: str) -> None:
    with RedisChatStore(url, ttl=60.5) as store:
        store.add_messages("k", [message("x"), message("y")])
        store.add_message("k", message("first"), 0)
        store.delete_last_message("k")
    parts = [f"chatstore:{{k}}:{part}" for part in ("head", "order", "bodies")]
    script = "local t = {} for i, k in ipairs(KEYS) do t[i] = redis.call('PTTL', k) end return t"
    # Before Redis 7, each PTTL reads the clock again: the millisecond may change in between.
    samples = [client.eval(script, 3, *parts) for _ in range(10)]
    assert any(len(set(sample)) == 1 for sample in samples)
    assert all(55_000 < left <= 60_500 for sample in samples for left in sample)
    with RedisChatStore(url) as store:
        store.add_message("k", message("z"))
    assert [client.ttl(part) for part in parts] == [-1, -1, -1]


def test_requests_are_remembered_for_five_to_ten_minutes(client: Any, url: str) -> None:
    with RedisChatStore(url) as store:
        for number in range(300):
            store.add_message("k", message(str(number)))
        for _ in range(150):
            store.delete_last_message("k")
    assert client.hlen("chatstore:{k}:head") == 1
    names = client.keys("chatstore:{k}:requests*")
    assert sum(client.hlen(name) for name in names) == 450
    for name in names:
        assert 300_000 - 60_000 < client.pttl(name) <= 600_000


def append_some(url: str, name: str) -> None:
    with RedisChatStore(url) as store:
        for number in range(40):
            store.add_message("k", message(f"{name} {number}"))


def test_sixteen_processes_on_one_key_lose_nothing(client: Any, url: str) -> None:
    with ProcessPoolExecutor(16, mp_context=get_context("spawn")) as pool:
        list(pool.map(append_some, [url] * 16, range(16)))
    with RedisChatStore(url) as store:
        contents = [message.content for message in store.get_messages("k")]
    assert len(contents) == 640
    for name in range(16):
        mine = [text for text in contents if str(text).startswith(f"{name} ")]
        assert mine == [f"{name} {number}" for number in range(40)]


@pytest.mark.parametrize("part", ["head", "order", "bodies", "requests0", "requests1"])
@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.add_message("k", message("x")),
        lambda store: store.add_message("k", message("x"), 0),
        lambda store: store.set_messages("k", [message("x")]),
        lambda store: store.delete_messages("k"),
        lambda store: store.delete_last_message("k"),
        lambda store: store.put_message("k", message("x", id="x")),
        lambda store: store.truncate("k", from_id="x"),
        lambda store: store.create_conversation("k"),
    ],
    ids=["append", "insert", "set", "delete", "delete last", "put", "truncate", "create"],
)
def test_a_part_of_another_type_stays_and_nothing_is_written(
    client: Any, url: str, part: str, write: Any
) -> None:
    client.set(f"chatstore:{{k}}:{part}", "another program's")
    with RedisChatStore(url) as store, pytest.raises(CorruptStoreError):
        write(store)
    assert client.keys("*") == [f"chatstore:{{k}}:{part}".encode()]
    assert client.get(f"chatstore:{{k}}:{part}") == b"another program's"


def test_keys_that_only_resemble_the_stores_are_not_listed(client: Any, url: str) -> None:
    for name in (b"{}", b"{a}b}", b"{%}", b"{%zz}", b"{\xff}", b"{" + b"x" * 256 + b"}"):
        client.hset(b"chatstore:" + name + b":head", "v", "1")
    with RedisChatStore(url) as store:
        assert store.get_keys() == []


def test_longest_ttl(client: Any, url: str) -> None:
    with RedisChatStore(url, ttl=MAX_SECONDS) as store:
        store.add_message("k", message("x"))
    assert client.ttl("chatstore:{k}:head") == pytest.approx(MAX_SECONDS, abs=100)


@pytest.mark.parametrize("part", ["order", "bodies", "requests0", "requests1"])
@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.delete_last_message("k"),
        lambda store: store.delete_messages("k"),
        lambda store: store.set_messages("k", [message("b")]),
        lambda store: store.add_message("k", message("b"), 0),
        lambda store: store.put_message("k", message("b", id="a")),
        lambda store: store.truncate("k", from_id="a"),
        lambda store: store.update_conversation("k", title="x"),
    ],
    ids=["remove", "delete", "replace", "insert", "put", "truncate", "update"],
)
def test_a_key_of_another_type_ends_a_call_before_it_writes(
    client: Any, url: str, part: str, write: Any
) -> None:
    with RedisChatStore(url) as store:
        store.add_messages("k", [message("a", id="a"), message("c")])
        client.delete(f"chatstore:{{k}}:{part}")
        client.set(f"chatstore:{{k}}:{part}", "another program's")
        others = [name for name in client.keys("*") if not name.endswith(part.encode())]
        before = [client.dump(name) for name in others]
        with pytest.raises(CorruptStoreError):
            write(store)
        assert [client.dump(name) for name in others] == before
