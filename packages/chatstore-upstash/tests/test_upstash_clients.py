"""Clients of the caller and of event loops, and how they end."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from typing import Any, cast

import httpx
import pytest
import upstash_redis
import upstash_redis.asyncio
from upstash_double import LOST_REPLY, Fault, UpstashDouble

from chatstore.core import (
    InvalidArgumentError,
    StoreClosedError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import message
from chatstore.upstash import UpstashBackend, UpstashChatStore


def clients_of_loops(store: UpstashChatStore) -> list[Any]:
    """Return the connections of all event loops."""
    clients = backend_of(store).clients
    own = [entry.client for entry in clients._per_loop._entries.values()]
    return [cast("Any", client).generations.client for client in own]


def backend_of(store: UpstashChatStore) -> UpstashBackend:
    assert isinstance(store.backend, UpstashBackend)
    return store.backend


def test_callers_clients_are_used_and_stay_open(double: UpstashDouble) -> None:
    with upstash_redis.Redis(double.url, double.token) as client:
        with UpstashChatStore(client=client) as store:
            store.add_message("k", message("a"))
            with pytest.raises(InvalidArgumentError, match="async_client"):
                asyncio.run(store.async_count_messages("k"))
        assert client.ping() == "PONG"

    async def scenario() -> None:
        async with upstash_redis.asyncio.Redis(double.url, double.token) as client:
            async with UpstashChatStore(async_client=client) as store:
                await store.async_add_message("k", message("b"))
                with pytest.raises(InvalidArgumentError, match="client"):
                    store.count_messages("k")
            assert await client.ping() == "PONG"

    asyncio.run(scenario())
    with UpstashChatStore(double.url, double.token) as store:
        assert [message.content for message in store.get_messages("k")] == ["a", "b"]


def test_retries_of_a_callers_client_do_no_harm(double: UpstashDouble) -> None:
    with upstash_redis.Redis(double.url, double.token, rest_retry_interval=0) as client:
        store = UpstashChatStore(client=client)
        store.add_message("k", message("a"))
        double.fault = lambda request: LOST_REPLY if request.number % 2 else None
        for _ in range(10):
            store.add_message("k", message("b"))
        assert store.count_messages("k") == 11


def test_a_callers_client_that_was_closed(double: UpstashDouble) -> None:
    client = upstash_redis.Redis(double.url, double.token, rest_retries=0)
    client.close()  # type: ignore[no-untyped-call]
    with UpstashChatStore(client=client) as store, pytest.raises(StoreClosedError):
        store.count_messages("k")


def test_a_callers_client_without_timeouts_gets_them(double: UpstashDouble) -> None:
    own = httpx.Timeout(3.0)
    with (
        upstash_redis.Redis(double.url, double.token, rest_retries=0) as client,
        upstash_redis.Redis(double.url, double.token) as limited,
    ):
        limited._http._client.timeout = own
        UpstashChatStore(client=limited, timeout=7)
        assert limited._http._client.timeout == own
        double.fault = lambda _: Fault(delay=60)
        store = UpstashChatStore(client=client, timeout=0.1)
        with pytest.raises(StoreUnavailableError):
            store.count_messages("k")

    async def scenario() -> None:
        retries: dict[str, Any] = {"rest_retries": 0}
        async with upstash_redis.asyncio.Redis(double.url, double.token, **retries) as client:
            store = UpstashChatStore(async_client=client, timeout=0.1)
            with pytest.raises(StoreUnavailableError):
                await store.async_count_messages("k")

    asyncio.run(scenario())


def test_event_loops_leave_no_connection_behind(double: UpstashDouble) -> None:
    """An open one would warn when it is collected, and warnings are errors in tests."""
    store = UpstashChatStore(double.url, double.token)
    for number in range(5):
        asyncio.run(store.async_add_message("k", message(str(number))))
        gc.collect()
    assert len(clients_of_loops(store)) <= 2
    assert store.count_messages("k") == 5
    store.close()
    gc.collect()


def test_concurrent_loops_have_different_clients(double: UpstashDouble) -> None:
    store = UpstashChatStore(double.url, double.token)
    barrier = threading.Barrier(4)

    async def work(name: str) -> Any:
        for number in range(10):
            await store.async_add_message(name, message(str(number)))
            barrier.wait(30)
        return len(clients_of_loops(store))

    def run(name: str) -> None:
        seen.append(asyncio.run(work(name)))

    seen: list[int] = []
    threads = [threading.Thread(target=run, args=(f"k{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seen) == 4
    assert [store.count_messages(f"k{number}") for number in range(4)] == [10] * 4
    store.close()


def test_close_ends_the_client_of_a_loop_that_runs_elsewhere(double: UpstashDouble) -> None:
    store = UpstashChatStore(double.url, double.token)
    is_open, may_end = threading.Event(), threading.Event()

    async def hold() -> None:
        await store.async_add_message("k", message("a"))
        is_open.set()
        await asyncio.to_thread(may_end.wait, 60)

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    assert is_open.wait(60)
    [client] = clients_of_loops(store)
    store.close()
    deadline = time.monotonic() + 60
    while not client.is_closed and time.monotonic() < deadline:
        time.sleep(0.001)
    assert client.is_closed
    may_end.set()
    thread.join(60)
    assert not thread.is_alive()


def test_async_close_closes_at_once(double: UpstashDouble) -> None:
    async def scenario() -> None:
        store = UpstashChatStore(double.url, double.token)
        await store.async_add_message("k", message("a"))
        [client] = clients_of_loops(store)
        await store.async_close()
        assert client.is_closed
        with pytest.raises(StoreClosedError):
            await store.async_count_messages("k")

    asyncio.run(scenario())


def test_cancelled_call_has_taken_effect_when_it_ends(double: UpstashDouble) -> None:
    """A cancelled call ends after its request."""

    async def scenario() -> Any:
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()

        def hold(_: Any) -> Any:
            loop.call_soon_threadsafe(arrived.set)
            return Fault(delay=0.05)

        async with UpstashChatStore(double.url, double.token) as store:
            await store.async_add_message("k", message("a"))
            await store.async_count_messages("k")
            for number in range(5):
                double.fault = hold
                task = asyncio.create_task(store.async_add_message("k", message("b")))
                await arrived.wait()
                arrived.clear()
                task.cancel()
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                double.fault = lambda _: None
                assert await store.async_count_messages("k") == number + 2
        return double.connections

    assert asyncio.run(scenario()) == 1  # none was broken


def test_cancelled_call_before_its_request_does_nothing(double: UpstashDouble) -> None:
    async def scenario() -> None:
        async with UpstashChatStore(double.url, double.token) as store:
            task = asyncio.create_task(store.async_add_message("k", message("a")))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await store.async_get_keys() == []

    asyncio.run(scenario())


def test_event_loop_that_ends_cancels_a_call(double: UpstashDouble) -> None:
    arrived = threading.Event()

    def hold(_: Any) -> Any:
        arrived.set()
        return Fault(delay=60)

    async def scenario() -> Any:
        task = asyncio.create_task(store.async_count_messages("k"))
        await asyncio.to_thread(arrived.wait, 10)
        return task

    double.fault = hold
    store = UpstashChatStore(double.url, double.token, timeout=60)
    task = asyncio.run(scenario())
    assert task.cancelled()
    store.close()


def test_two_hundred_concurrent_calls(double: UpstashDouble) -> None:
    async def scenario() -> None:
        async with UpstashChatStore(double.url, double.token) as store:
            await asyncio.gather(*(store.async_add_message("k", message("a")) for _ in range(200)))
            assert await store.async_count_messages("k") == 200

    asyncio.run(scenario())


def test_the_proxy_of_the_environment_is_used(
    double: UpstashDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double is the proxy, too: a proxy's requests begin with the whole address."""
    monkeypatch.setenv("http_proxy", double.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    async def count(store: UpstashChatStore) -> int:
        async with store:
            return await store.async_count_messages("k")

    with UpstashChatStore("http://database.invalid", double.token) as store:
        store.add_message("k", message("a"))
    assert asyncio.run(count(UpstashChatStore("http://database.invalid", double.token))) == 1
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with UpstashChatStore(double.url, double.token) as store:
        assert store.count_messages("k") == 1


def test_importing_loads_no_client() -> None:
    code = """
import sys
import chatstore.upstash
chatstore.upstash.UpstashChatStore("https://host", "token")
print(sorted({"asyncio", "httpx", "redis", "upstash_redis"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
