"""Cancelled calls, many callers at once, clients of a cluster."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
import redis.asyncio

from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import RedisServer


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_calls_leave_whole_effects_and_valid_connections(url: str, seed: int) -> None:
    async def scenario() -> Any:
        async with RedisChatStore(url) as store:
            for number in range(100):
                call = store.async_add_messages(
                    "k", [message(f"{number} {part}") for part in range(20)]
                )
                task = asyncio.create_task(call)
                for _ in range((number + seed) % 12):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await store.async_add_message("l", message(str(number)))
            return await store.async_get_messages("k"), await store.async_get_messages("l")

    many, single = asyncio.run(scenario())
    assert [message.content for message in single] == [str(number) for number in range(100)]
    heads = [message.content.split()[0] for message in many[::20]]
    assert [message.content for message in many] == [
        f"{head} {part}" for head in heads for part in range(20)
    ]


def test_more_callers_than_connections(url: str) -> None:
    async def append_all(store: RedisChatStore) -> None:
        calls = [store.async_add_message("k", message(str(number))) for number in range(300)]
        await asyncio.gather(*calls)

    with RedisChatStore(url) as store:
        asyncio.run(append_all(store))
        with ThreadPoolExecutor(100) as pool:
            list(pool.map(lambda number: store.add_message("k", message(str(number))), range(300)))
        assert store.count_messages("k") == 600


def test_clients_of_a_cluster(cluster: list[RedisServer]) -> None:
    port = cluster[0].port

    async def scenario(store: RedisChatStore) -> Any:
        for number in range(20):
            await store.async_add_message(f"cluster {number}", message("async"))
        return await store.async_get_keys("cluster ")

    async def with_client() -> Any:
        async with redis.asyncio.RedisCluster(host="127.0.0.1", port=port) as client:
            async with RedisChatStore(async_client=client) as store:
                keys = await scenario(store)
            assert await client.ping()
            return keys

    keys = asyncio.run(with_client())
    assert sorted(keys) == sorted(f"cluster {number}" for number in range(20))
    with redis.RedisCluster(host="127.0.0.1", port=port) as client:
        with RedisChatStore(client=client) as store:
            assert sorted(store.get_keys("cluster ")) == sorted(keys)
            for key in keys:
                assert store.get_messages(key) == [message("async")]
                store.delete_messages(key)
        assert client.ping()
