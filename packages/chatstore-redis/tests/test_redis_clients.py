"""Clients of the caller, URLs, and clients of several event loops."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import Sentinel

from chatstore.core import InvalidArgumentError, open_store
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import RedisServer, redis_server


@pytest.fixture
def port(server: RedisServer) -> int:
    with redis.Redis(port=server.port) as client:
        client.flushall()
    return server.port


@pytest.mark.parametrize("decoded", [False, True])
def test_a_callers_client_is_used_and_not_closed(port: int, decoded: bool) -> None:
    with redis.Redis(port=port, decode_responses=decoded) as client:
        with RedisChatStore(client=client) as store:
            store.add_message("kö", message("x\0"))
            assert store.get_messages("kö") == [message("x\0")]
            assert store.get_keys() == ["kö"]
            with pytest.raises(InvalidArgumentError, match="async_client"):
                asyncio.run(store.async_get_messages("k"))
        assert client.ping()


@pytest.mark.parametrize("decoded", [False, True])
def test_a_callers_async_client_is_used_and_not_closed(port: int, decoded: bool) -> None:
    async def scenario() -> None:
        async with redis.asyncio.Redis(port=port, decode_responses=decoded) as client:
            async with RedisChatStore(async_client=client) as store:
                await store.async_add_message("k", message("x"))
                assert await store.async_get_messages("k") == [message("x")]
                assert await store.async_get_keys() == ["k"]
                with pytest.raises(InvalidArgumentError, match="client"):
                    store.get_messages("k")
            assert await client.ping()

    asyncio.run(scenario())


def test_clients_of_sentinel(port: int) -> None:
    with redis_server("--sentinel") as watcher:
        with redis.Redis(port=watcher.port) as client:
            client.execute_command("SENTINEL", "MONITOR", "chat", "127.0.0.1", port, 1)
        address = [("127.0.0.1", watcher.port)]
        sentinel: Any = Sentinel(address)  # type: ignore[no-untyped-call]
        master = sentinel.master_for("chat")
        with master, RedisChatStore(client=master) as store:
            store.add_message("k", message("x"))
            assert store.get_messages("k") == [message("x")]
        for watched in sentinel.sentinels:
            watched.close()

        async def scenario() -> None:
            sentinel: Any = AsyncSentinel(address)  # type: ignore[no-untyped-call]
            async with (
                sentinel.master_for("chat") as master,
                RedisChatStore(async_client=master) as store,
            ):
                assert await store.async_get_messages("k") == [message("x")]
            for watched in sentinel.sentinels:
                await watched.aclose()

        asyncio.run(scenario())


def test_url_with_options(port: int) -> None:
    url = f"redis://127.0.0.1:{port}/1?ttl=60&namespace=mine&timeout=3&socket_keepalive=true"
    with open_store(url) as store:
        assert isinstance(store, RedisChatStore)
        store.add_message("k", message("x"))
    with redis.Redis(port=port, db=1) as client:
        assert 0 < client.ttl("mine:{k}:head") <= 60
        client.flushdb()


def test_url_of_a_cluster(cluster: list[RedisServer]) -> None:
    with open_store(f"redis://127.0.0.1:{cluster[1].port}?cluster=true") as store:
        for number in range(30):
            store.add_message(f"url {number}", message("x"))
        assert sorted(store.get_keys("url ")) == sorted(f"url {number}" for number in range(30))
        for number in range(30):
            store.delete_messages(f"url {number}")


@pytest.mark.parametrize("option", ["ttl=soon", "ttl=0", "ttl=-1", "timeout=0", "namespace={}"])
def test_url_with_wrong_options(option: str) -> None:
    with pytest.raises(InvalidArgumentError):
        RedisChatStore.from_url(f"redis://localhost?{option}")


def named(client: Any, name: str) -> list[dict[str, str]]:
    """Return the connections with a name: other tests share the server."""
    return [one for one in client.client_list() if one["name"] == name]


def wait_for_clients(client: Any, name: str, count: int) -> None:
    """Wait: the server notices a closed connection a moment later."""
    deadline = time.monotonic() + 60
    while len(named(client, name)) != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_connections_of_ended_loops_are_closed(port: int) -> None:
    store = RedisChatStore(f"redis://127.0.0.1:{port}?client_name=loops", namespace="loops")
    with redis.Redis(port=port) as client:
        for _ in range(3):
            asyncio.run(store.async_add_message("k", message("x")))
        gc.collect()  # a connection that was left open would warn, and warnings fail
        wait_for_clients(client, "loops", 0)
    store.close()


def test_close_closes_what_the_store_opened(port: int) -> None:
    with redis.Redis(port=port) as client:
        store = RedisChatStore(f"redis://127.0.0.1:{port}?client_name=closed")
        store.add_message("k", message("x"))
        assert len(named(client, "closed")) == 1
        store.close()
        wait_for_clients(client, "closed", 0)


def test_the_path_of_llama_index() -> None:
    from chatstore.redis.base import RedisChatStore as Same

    assert Same is RedisChatStore


def test_connections_do_not_read_metadata_each_time(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.metadata

    with RedisChatStore(f"redis://127.0.0.1:{port}") as store:
        store.add_message("k", message("x"))
        reads: list[str] = []
        monkeypatch.setattr(importlib.metadata, "version", reads.append)
        for _ in range(3):
            with RedisChatStore(f"redis://127.0.0.1:{port}") as other:
                other.add_message("k", message("x"))
                asyncio.run(other.async_add_message("k", message("x")))
    assert reads == []
