"""Answers that are lost, servers that are gone, full, or refuse."""

import asyncio
import socket
import time

import pytest
from redis_faults import LossyProxy
from redis_pair import redis_replica

from chatstore.core import (
    ChatMessage,
    CorruptStoreError,
    DriverError,
    SchemaVersionError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.lua.testing import redis_server
from chatstore.redis import RedisChatStore


def say(text):
    return ChatMessage(role="user", content=text)


def append(store, colour):
    if colour == "sync":
        store.add_message("k", say("x"))
    else:
        asyncio.run(store.async_add_message("k", say("x")))


@pytest.fixture
def store(server, client):
    with RedisChatStore(f"redis://127.0.0.1:{server.port}") as store:
        yield store


@pytest.fixture
def lossy(server, client):
    proxy = LossyProxy(server.port, rate=0.1)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_lost_answers_lose_and_double_nothing(lossy, store, colour):
    said = [str(number) for number in range(1000)]
    with RedisChatStore(f"redis://127.0.0.1:{lossy.port}") as lost:
        if colour == "sync":
            for text in said:
                lost.add_message("k", say(text))
        else:

            async def append_all():
                for text in said:
                    await lost.async_add_message("k", say(text))
                await lost.async_close()

            asyncio.run(append_all())
    assert [message.content for message in store.get_messages("k")] == said
    assert lossy.lost > 50


def test_lost_answers_of_other_calls(lossy, store):
    expected = []
    with RedisChatStore(f"redis://127.0.0.1:{lossy.port}") as lost:
        for number in range(150):
            text = str(number)
            lost.add_message("k", say(text), 0)
            expected.insert(0, text)
            if number % 3 == 0:
                lost.add_messages("k", [say(f"{text}a"), say(f"{text}b")])
                expected += [f"{text}a", f"{text}b"]
            if number % 2:
                assert lost.delete_last_message("k").content == expected.pop()
                assert lost.delete_message("k", 1).content == expected.pop(1)
            assert lost.count_messages("k") == len(expected)
            if number % 50 == 49:
                lost.set_messages("k", [say(text)])
                expected = [text]
    assert [message.content for message in store.get_messages("k")] == expected
    assert lossy.lost > 20


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_refused_connection_fails_soon(colour):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.monotonic()
    store = RedisChatStore(f"redis://:secret@127.0.0.1:{port}", timeout=2)
    with store, pytest.raises(StoreUnavailableError) as caught:
        append(store, colour)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, DriverError)
    assert time.monotonic() - began < 10  # no measure of speed: it must not hang


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_silent_server_fails_in_time(colour):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with RedisChatStore(url, timeout=0.2) as store, pytest.raises(StoreUnavailableError):
            append(store, colour)


def test_full_server(client, store):
    store.add_message("k", say("x"))
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreFullError):
            store.add_message("k", say("y"))
    finally:
        client.config_set("maxmemory", 0)
    assert [message.content for message in store.get_messages("k")] == ["x"]


def test_replica_refuses_writes(server, client):
    with redis_replica(server) as replica:
        store = RedisChatStore(f"redis://127.0.0.1:{replica.port}")
        with store, pytest.raises(StoreAccessError):
            store.add_message("k", say("x"))


def test_single_client_on_a_cluster(cluster):
    with (
        RedisChatStore(f"redis://127.0.0.1:{cluster[0].port}") as store,
        pytest.raises(StoreSetupError, match="cluster=True"),
    ):
        list(map(store.count_messages, "abcdefghijklmnopqrstuvwxyz"))  # some are elsewhere


def test_scripts_are_sent_again_after_the_server_forgot_them(client, store):
    store.add_message("k", say("x"))
    client.script_flush()
    store.add_message("k", say("y"))
    client.script_flush()
    assert [message.content for message in store.get_messages("k")] == ["x", "y"]


def test_server_that_restarts():
    with (
        redis_server("--appendonly", "yes", "--appendfsync", "always") as server,
        RedisChatStore(f"redis://127.0.0.1:{server.port}") as store,
    ):
        store.add_message("k", say("x"))
        server.stop()
        with pytest.raises(StoreUnavailableError):
            store.add_message("k", say("lost"))
        server.start()
        store.add_message("k", say("y"))
        assert [message.content for message in store.get_messages("k")] == ["x", "y"]


def test_key_of_another_type(client, store):
    client.set("chatstore:{k}:head", "somebody else's")
    with pytest.raises(CorruptStoreError):
        store.add_message("k", say("x"))
    assert client.get("chatstore:{k}:head") == b"somebody else's"


def test_later_layout_is_refused(client, store):
    store.add_message("k", say("x"))
    client.hset("chatstore:{k}:head", "state", "2 later")
    for call in (store.get_messages, store.count_messages, store.delete_last_message):
        with pytest.raises(SchemaVersionError):
            call("k")


def test_a_head_without_a_state_is_refused(client, store):
    client.hset("chatstore:{k}:head", "v", "1")
    for call in (store.get_messages, store.count_messages, store.delete_last_message):
        with pytest.raises(CorruptStoreError):
            call("k")
    with pytest.raises(CorruptStoreError):
        store.add_message("k", say("x"))
    assert client.keys("*") == [b"chatstore:{k}:head"]
