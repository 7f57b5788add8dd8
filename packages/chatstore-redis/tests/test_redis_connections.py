"""Connections: used by one call at a time, and closed when their state is unknown."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import redis
import redis.asyncio
from redis_interception import Interceptor, backend_of

from chatstore.core import ChatMessage, StoreUnavailableError
from chatstore.core.backend import RetryPolicy, run
from chatstore.redis import RedisChatStore
from chatstore.redis.address import read_url
from chatstore.redis.async_connections import AsyncConnections
from chatstore.redis.connections import Connections
from chatstore.redis.errors import RedisErrors
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import RedisSettings
from chatstore.redis_scripts import Attempt, Command
from chatstore.redis_scripts.scripts import COUNT
from chatstore.redis_scripts.sending import Sender
from chatstore.redis_scripts.testing import RedisServer

Ask = Callable[..., Awaitable[Any]]


def settings_of(port: int, timeout: float) -> tuple[RedisSettings, ServerMode]:
    address, _ = read_url(f"redis://127.0.0.1:{port}")
    return RedisSettings(address, timeout=timeout), ServerMode("the server")


def connections(port: int, timeout: float = 60.0) -> Connections:
    def make() -> Any:
        return redis.Connection(  # type: ignore[no-untyped-call]
            port=port, protocol=2, socket_timeout=timeout
        )

    return Connections(make, *settings_of(port, timeout))


def async_connections(port: int, timeout: float = 60.0) -> AsyncConnections:
    return AsyncConnections(*settings_of(port, timeout))


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def names(client: Any) -> list[str]:
    return [one["cmd"] for one in client.client_list()]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_connections_that_the_server_closed_are_replaced(
    client: Any, server: RedisServer, mode: str
) -> None:
    async def twice(store: RedisChatStore) -> list[ChatMessage]:
        for text in ("before", "after"):
            message = ChatMessage(role="user", content=text)
            if mode == "sync":
                store.add_message("k", message)
            else:
                await store.async_add_message("k", message)
            client.client_kill_filter(_type="normal", skipme=True)
        messages = await store.async_get_messages("k")
        await store.async_close()
        return messages

    store = RedisChatStore(f"redis://127.0.0.1:{server.port}")
    assert [message.content for message in asyncio.run(twice(store))] == ["before", "after"]


def test_an_error_of_the_server_keeps_the_connection(client: Any, server: RedisServer) -> None:
    pool = connections(server.port)
    number = pool.send(("CLIENT", "ID"), Attempt())
    with pytest.raises(redis.ResponseError):
        pool.send(("NOSUCHCOMMAND",), Attempt())
    assert pool.send(("CLIENT", "ID"), Attempt()) == number
    pool.close()


async def with_connections(
    mode: str, port: int, scenario: Callable[[Ask], Awaitable[None]], timeout: float = 60.0
) -> None:
    """Run a scenario with a function that sends commands in one of the modes."""
    if mode == "sync":
        pool = connections(port, timeout)
        await scenario(lambda *words: asyncio.to_thread(pool.send, *words))
        pool.close()
    else:
        async_pool = async_connections(port, timeout)
        await scenario(async_pool.send)
        await async_pool.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_late_answer_is_not_anothers(client: Any, server: RedisServer, mode: str) -> None:
    async def scenario(ask: Ask) -> None:
        with pytest.raises(redis.TimeoutError):
            await ask(("BLPOP", "list", "0"), Attempt())
        client.rpush("list", "late")
        assert await eventually(ask, ("ECHO", "mine")) == "mine"

    asyncio.run(with_connections(mode, server.port, scenario, timeout=0.2))


async def eventually(ask: Ask, command: Command) -> Any:
    """Send a command until it is answered: the machine may stall for longer than a timeout."""
    for _ in range(100):
        with suppress(redis.TimeoutError):
            return await ask(command, Attempt())
    return await ask(command, Attempt())


def test_a_store_says_that_all_connections_are_in_use(client: Any, server: RedisServer) -> None:
    url = f"redis://127.0.0.1:{server.port}?max_connections=1"
    with RedisChatStore(url, timeout=60) as store:
        clients: Any = backend_of(store).clients
        clients.for_threads().pool._timeout = 0.3
        with (
            clients.for_threads().pool.session(),
            pytest.raises(StoreUnavailableError, match="in use"),
        ):
            store.count_messages("k")

        async def scenario() -> None:
            connections = await clients.for_loop()
            connections.pool._timeout = 0.3
            async with connections.pool.session():
                with pytest.raises(StoreUnavailableError, match="in use"):
                    await store.async_count_messages("k")
            assert await store.async_count_messages("k") == 0

        asyncio.run(scenario())
        assert store.count_messages("k") == 0


def test_a_connection_in_use_is_closed_when_it_is_released(
    client: Any, server: RedisServer
) -> None:
    pool = connections(server.port)
    thread = threading.Thread(target=pool.send, args=(("BLPOP", "list", "60"), Attempt()))
    thread.start()
    wait_for(lambda: "blpop" in names(client))
    pool.close()
    client.rpush("list", "x")
    thread.join()
    wait_for(lambda: len(client.client_list()) == 1)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_client_works_while_the_server_works(
    client: Any, server: RedisServer, mode: str
) -> None:
    done = []

    def meanwhile() -> None:
        wait_for(lambda: "blpop" in names(client))
        client.rpush("list", "x")
        done.append("pushed")

    async def scenario(ask: Ask) -> None:
        assert await ask(("BLPOP", "list", "60"), Attempt(meanwhile)) == ["list", "x"]

    asyncio.run(with_connections(mode, server.port, scenario))
    assert done == ["pushed"]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_that_was_not_read_is_not_anothers(
    client: Any, server: RedisServer, mode: str
) -> None:
    async def scenario(ask: Ask) -> None:
        with pytest.raises(ZeroDivisionError):
            await ask(("ECHO", "unread"), Attempt(lambda: 1 / 0))
        assert await ask(("ECHO", "mine"), Attempt()) == "mine"

    asyncio.run(with_connections(mode, server.port, scenario))


def test_the_client_also_works_during_a_repetition(client: Any, server: RedisServer) -> None:
    calls = []

    def meanwhile() -> None:
        calls.append("called")
        wait_for(lambda: "blpop" in names(client))
        if len(calls) == 1:
            client.client_kill_filter(_type="normal", skipme=True)
        else:
            client.rpush("list", "x")

    class Blocking(Interceptor):
        """Sends another command than the plans do."""

        def send(self, command: Command, attempt: Attempt) -> Any:
            return super().send(("BLPOP", "list", "60"), attempt)

    pool = connections(server.port)
    sender = Sender(RedisErrors(), RetryPolicy(60.0), "the server")
    assert run(sender.run(COUNT, [], [], meanwhile), Blocking(pool)) == ["list", "x"]
    assert calls == ["called"] * 2
    pool.close()
