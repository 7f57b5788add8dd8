"""Lost answers, and servers that are gone, full, or refuse."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis_faults import LossyProxy
from redis_pair import redis_replica

from chatstore.core import (
    CorruptStoreError,
    DriverError,
    SchemaVersionError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import RedisServer, redis_server


def append(store: RedisChatStore, mode: str) -> None:
    if mode == "sync":
        store.add_message("k", message("x"))
    else:
        asyncio.run(store.async_add_message("k", message("x")))


@pytest.fixture
def store(server: RedisServer, client: Any) -> Iterator[RedisChatStore]:
    with RedisChatStore(f"redis://127.0.0.1:{server.port}") as store:
        yield store


@pytest.fixture
def lossy(server: RedisServer, client: Any) -> Iterator[LossyProxy]:
    proxy = LossyProxy(server.port, rate=0.1)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_lost_answers_lose_and_double_nothing(
    lossy: LossyProxy, store: RedisChatStore, mode: str
) -> None:
    expected = [str(number) for number in range(1000)]
    with RedisChatStore(f"redis://127.0.0.1:{lossy.port}", patience=60) as lost:
        if mode == "sync":
            for text in expected:
                lost.add_message("k", message(text))
        else:

            async def append_all() -> None:
                for text in expected:
                    await lost.async_add_message("k", message(text))
                await lost.async_close()

            asyncio.run(append_all())
    assert [message.content for message in store.get_messages("k")] == expected
    assert lossy.lost > 50


def test_lost_answers_of_other_calls(lossy: LossyProxy, store: RedisChatStore) -> None:
    expected: list[str] = []
    with RedisChatStore(f"redis://127.0.0.1:{lossy.port}", patience=60) as lost:
        for number in range(150):
            text = str(number)
            lost.add_message("k", message(text), 0)
            expected.insert(0, text)
            if number % 3 == 0:
                lost.add_messages("k", [message(f"{text}a"), message(f"{text}b")])
                expected += [f"{text}a", f"{text}b"]
            if number % 2:
                assert lost.delete_last_message("k") == message(expected.pop())
                assert lost.delete_message("k", 1) == message(expected.pop(1))
            assert lost.count_messages("k") == len(expected)
            if number % 50 == 49:
                lost.set_messages("k", [message(text)])
                expected = [text]
    assert [message.content for message in store.get_messages("k")] == expected
    assert lossy.lost > 20


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_refused_connection_fails_soon(mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.monotonic()
    store = RedisChatStore(f"redis://:secret@127.0.0.1:{port}", timeout=30)
    with store, pytest.raises(StoreUnavailableError) as caught:
        append(store, mode)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, DriverError)
    assert time.monotonic() - began < 60  # not a measure of speed: it must not hang


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_silent_server_fails_in_time(mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with RedisChatStore(url, timeout=0.2) as store, pytest.raises(StoreUnavailableError):
            append(store, mode)


def test_full_server(client: Any, store: RedisChatStore) -> None:
    store.add_message("k", message("x"))
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreFullError):
            store.add_message("k", message("y"))
        with pytest.raises(StoreFullError):
            store.check()
    finally:
        client.config_set("maxmemory", 0)
    assert [message.content for message in store.get_messages("k")] == ["x"]


def test_replica_refuses_writes(server: RedisServer, client: Any) -> None:
    with redis_replica(server) as replica:
        store = RedisChatStore(f"redis://127.0.0.1:{replica.port}", patience=0.2)
        with store:
            with pytest.raises(StoreAccessError, match="primary"):
                store.add_message("k", message("x"))
            with pytest.raises(StoreAccessError, match="primary"):
                store.check()


def test_single_client_on_a_cluster(cluster: list[RedisServer]) -> None:
    with (
        RedisChatStore(f"redis://127.0.0.1:{cluster[0].port}") as store,
        pytest.raises(StoreSetupError, match="cluster=True"),
    ):
        list(
            map(store.count_messages, "abcdefghijklmnopqrstuvwxyz")
        )  # other nodes have some of these keys


def test_scripts_are_sent_again_after_the_server_forgot_them(
    client: Any, store: RedisChatStore
) -> None:
    store.add_message("k", message("x"))
    client.script_flush()
    store.add_message("k", message("y"))
    client.script_flush()
    assert [message.content for message in store.get_messages("k")] == ["x", "y"]


def test_server_that_restarts() -> None:
    with (
        redis_server("--appendonly", "yes", "--appendfsync", "always") as server,
        RedisChatStore(f"redis://127.0.0.1:{server.port}") as store,
    ):
        store.add_message("k", message("x"))
        server.stop()
        with pytest.raises(StoreUnavailableError):
            store.add_message("k", message("lost"))
        server.start()
        store.add_message("k", message("y"))
        assert [message.content for message in store.get_messages("k")] == ["x", "y"]


def test_key_of_another_type(client: Any, store: RedisChatStore) -> None:
    client.set("chatstore:{k}:head", "another program's")
    with pytest.raises(CorruptStoreError):
        store.add_message("k", message("x"))
    assert client.get("chatstore:{k}:head") == b"another program's"


def test_later_layout_is_refused(client: Any, store: RedisChatStore) -> None:
    store.add_message("k", message("x"))
    client.hset("chatstore:{k}:head", "state", "2 later")
    for call in (store.get_messages, store.count_messages, store.delete_last_message):
        with pytest.raises(SchemaVersionError):
            call("k")


def test_a_head_without_a_state_is_refused(client: Any, store: RedisChatStore) -> None:
    client.hset("chatstore:{k}:head", "v", "1")
    for call in (store.get_messages, store.count_messages, store.delete_last_message):
        with pytest.raises(CorruptStoreError):
            call("k")
    with pytest.raises(CorruptStoreError):
        store.add_message("k", message("x"))
    assert client.keys("*") == [b"chatstore:{k}:head"]
