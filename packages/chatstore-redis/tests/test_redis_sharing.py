"""Tasks share a connection: each call gets its own reply, and loses nothing to the others."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis
from redis_interception import backend_of

from chatstore.core import StoreUnavailableError
from chatstore.core.testing.messages import contents, message
from chatstore.core.testing.relay import Relay
from chatstore.redis import RedisChatStore
from chatstore.redis.address import read_url
from chatstore.redis.async_connections import AsyncConnections
from chatstore.redis.protocol import RedisProtocol
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import RedisSettings
from chatstore.redis_scripts import Attempt
from chatstore.redis_scripts.testing import RedisServer

TASKS = 64


class FakeTransport(asyncio.Transport):
    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        pass


def settings_of(port: int, **options: Any) -> RedisSettings:
    address, _ = read_url(f"redis://127.0.0.1:{port}")
    return RedisSettings(address, **{"timeout": 60.0, **options})


def is_blocked(client: Any) -> bool:
    return "blpop" in [one["cmd"] for one in client.client_list()]


@asynccontextmanager
async def opened(port: int, **options: Any) -> AsyncIterator[AsyncConnections]:
    connections = AsyncConnections(settings_of(port, **options), ServerMode("the server"))
    try:
        yield connections
    finally:
        await connections.close()


def brief(connections: AsyncConnections, *words: str) -> Any:
    return connections.send(words, Attempt(is_brief=True))


def test_tasks_share_a_connection_and_their_commands_are_sent_together(
    client: Any, server: RedisServer
) -> None:
    async def scenario(relay: Relay) -> None:
        async with RedisChatStore(f"redis://127.0.0.1:{relay.port}") as store:
            await store.async_add_message("k", message("x"))  # the server knows the script
            before = client.info("stats")
            await asyncio.gather(
                *[store.async_add_message(f"k{n}", message(str(n))) for n in range(TASKS)]
            )
            after = client.info("stats")
            reads = after["total_reads_processed"] - before["total_reads_processed"]
            assert reads < TASKS / 4
            assert relay.connections == 1
            for number in range(TASKS):
                messages = await store.async_get_messages(f"k{number}")
                assert contents(messages) == [str(number)]

    with Relay(server.port) as relay:
        asyncio.run(scenario(relay))


def test_each_command_gets_its_own_reply_or_error(client: Any, server: RedisServer) -> None:
    async def scenario() -> None:
        async with opened(server.port) as connections:
            words = [("ECHO" if n % 3 else "NOSUCHCOMMAND", str(n)) for n in range(TASKS)]
            replies = await asyncio.gather(
                *[brief(connections, *one) for one in words], return_exceptions=True
            )
            for (_, number), reply in zip(words, replies, strict=True):
                if int(number) % 3:
                    assert reply == number
                else:
                    assert isinstance(reply, redis.ResponseError)
                    assert f"`{number}`" in str(reply).replace("'", "`")

    asyncio.run(scenario())


def test_a_cancelled_call_costs_the_others_nothing(client: Any, server: RedisServer) -> None:
    async def scenario() -> None:
        async with opened(server.port) as connections:
            number = await brief(connections, "CLIENT", "ID")
            calls = [asyncio.ensure_future(brief(connections, "ECHO", str(n))) for n in range(9)]
            await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()
            replies = await asyncio.gather(*calls, return_exceptions=True)
            assert replies[1::2] == ["1", "3", "5", "7"]
            assert all(isinstance(one, asyncio.CancelledError) for one in replies[::2])
            assert await brief(connections, "CLIENT", "ID") == number

    asyncio.run(scenario())


def test_a_call_that_is_cancelled_before_it_is_sent_is_not_sent(
    client: Any, server: RedisServer
) -> None:
    async def scenario() -> None:
        async with opened(server.port) as connections:
            await brief(connections, "PING")
            attempt = Attempt(is_brief=True)
            call = asyncio.ensure_future(connections.send(["RPUSH", "list", "x"], attempt))
            other = asyncio.ensure_future(brief(connections, "PING"))
            # Cancelled in the pass of the loop in which both are submitted, before the flush.
            asyncio.get_running_loop().call_soon(call.cancel)
            assert await other == "PONG"
            with pytest.raises(asyncio.CancelledError):
                await call
            assert not attempt.was_sent
            assert client.llen("list") == 0

    asyncio.run(scenario())


def test_a_slow_reply_does_not_hold_up_small_calls(client: Any, server: RedisServer) -> None:
    async def scenario(relay: Relay) -> None:
        async with opened(relay.port) as connections:
            slow = asyncio.ensure_future(connections.send(["BLPOP", "list", "60"], Attempt()))
            while not is_blocked(client):  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.01)
            assert await brief(connections, "ECHO", "x") == "x"
            long = "x" * 100_000
            assert await brief(connections, "ECHO", long) == long
            assert not slow.done()
            client.rpush("list", "x")
            assert await slow == ["list", "x"]
            assert relay.connections == 3  # of the slow call, the long one, and the shared one

    with Relay(server.port) as relay:
        asyncio.run(scenario(relay))


def test_one_connection_is_enough_for_all(client: Any, server: RedisServer) -> None:
    async def scenario(relay: Relay) -> None:
        async with opened(relay.port, max_connections=1) as connections:
            calls = [brief(connections, "ECHO", "a"), connections.send(["ECHO", "b"], Attempt())]
            assert await asyncio.gather(*calls) == ["a", "b"]
            assert relay.connections == 1

    with Relay(server.port) as relay:
        asyncio.run(scenario(relay))


def test_a_pause_of_the_program_is_not_a_timeout(client: Any, server: RedisServer) -> None:
    async def scenario() -> None:
        async with opened(server.port, timeout=0.2) as connections:
            await brief(connections, "PING")
            call = asyncio.ensure_future(brief(connections, "ECHO", "x"))
            await asyncio.sleep(0)  # it is submitted
            await asyncio.sleep(0)  # it is sent
            time.sleep(0.5)  # noqa: ASYNC251 - the program hangs
            assert await call == "x"

    asyncio.run(scenario())


def test_a_reply_that_still_arrives_is_not_overdue() -> None:
    """Each part of a long reply may take as long as the timeout, as in sync calls."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        clock, passed = loop.time, [0.0]
        loop.time = lambda: clock() + passed[0]  # type: ignore[method-assign]
        protocol = RedisProtocol(60.0)
        protocol.connection_made(FakeTransport())
        reply = protocol.submit(b"", Attempt())
        await asyncio.sleep(0)  # it is sent
        for part in (b"$4\r\n", b"ab", b"cd\r\n"):
            passed[0] += 100
            protocol.data_received(part)
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # overdue replies fail
        assert await reply == "abcd"
        late = protocol.submit(b"", Attempt())
        await asyncio.sleep(0)
        passed[0] += 100
        with pytest.raises(redis.TimeoutError):
            await late

    asyncio.run(scenario())


def test_a_missing_reply_fails_what_waits_behind_it(client: Any, server: RedisServer) -> None:
    """The calls sent later are told that the connection broke, and are sent again."""

    async def scenario(relay: Relay) -> None:
        async with opened(relay.port, timeout=0.5) as connections:
            await brief(connections, "PING")
            relay.forget()
            first = asyncio.ensure_future(brief(connections, "ECHO", "first"))
            await asyncio.sleep(0.1)
            second = asyncio.ensure_future(brief(connections, "ECHO", "second"))
            with pytest.raises(redis.TimeoutError):
                await first
            with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
                await second
            assert await brief(connections, "ECHO", "third") == "third"

    with Relay(server.port) as relay:
        asyncio.run(scenario(relay))


def test_a_call_that_is_under_way_ends_after_the_store_is_closed(
    client: Any, server: RedisServer
) -> None:
    async def scenario() -> None:
        connections = AsyncConnections(settings_of(server.port), ServerMode("the server"))
        call = asyncio.ensure_future(brief(connections, "BLPOP", "list", "60"))
        while not is_blocked(client):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        await connections.close()
        client.rpush("list", "x")
        assert await call == ["list", "x"]

    asyncio.run(scenario())


def test_a_connection_that_is_opened_while_the_store_is_closed_does_not_stay_open(
    client: Any, server: RedisServer
) -> None:
    async def scenario(relay: Relay) -> None:
        connections = AsyncConnections(settings_of(relay.port), ServerMode("the server"))
        call = asyncio.ensure_future(brief(connections, "ECHO", "x"))
        await asyncio.sleep(0)  # it connects
        await connections.close()
        assert await call == "x"
        while relay.connections:  # noqa: ASYNC110 - the relay has no event for it
            await asyncio.sleep(0.01)

    with Relay(server.port) as relay:
        asyncio.run(asyncio.wait_for(scenario(relay), 60))


def test_calls_at_the_same_time_wait_for_the_check_of_an_idle_connection(
    client: Any, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(relay: Relay) -> None:
        async with opened(relay.port) as connections:
            await brief(connections, "PING")
            relay.forget()
            monkeypatch.setattr("chatstore.redis.async_connections.CHECK_SECONDS", 0.0)
            calls = [brief(connections, "ECHO", str(n)) for n in range(TASKS)]
            assert await asyncio.gather(*calls) == [str(n) for n in range(TASKS)]

    with Relay(server.port) as relay:
        asyncio.run(scenario(relay))


def test_calls_at_the_same_time_fail_together() -> None:
    """A server that does not answer costs all of them one timeout, not one each."""

    async def scenario(port: int) -> None:
        async with opened(port, timeout=0.5) as connections:
            calls = [brief(connections, "ECHO", str(n)) for n in range(200)]
            outcomes = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)
            assert all(isinstance(one, redis.TimeoutError) for one in outcomes)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(scenario(silent.getsockname()[1]))


@pytest.mark.parametrize("login", ["password=", "username=", "client_name="])
def test_empty_options_of_the_login_are_not_sent(
    client: Any, server: RedisServer, login: str
) -> None:
    url = f"redis://127.0.0.1:{server.port}?{login}"

    async def scenario() -> int:
        async with RedisChatStore(url) as store:
            return await store.async_count_messages("k")

    with RedisChatStore(url) as store:
        assert store.count_messages("k") == asyncio.run(scenario()) == 0


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_or_doubled(client: Any, server: RedisServer, seed: int) -> None:
    """Tasks write while connections break and calls are cancelled."""
    rng = random.Random(seed)

    async def scenario(relay: Relay) -> None:
        url = f"redis://127.0.0.1:{relay.port}?timeout=60&patience=60"
        async with RedisChatStore(url) as store:
            done: dict[str, set[str]] = {f"k{n}": set() for n in range(TASKS)}
            cancelled: dict[str, set[str]] = {key: set() for key in done}

            async def write(key: str) -> None:
                for number in range(12):
                    name = f"{key}-{number}"
                    call = asyncio.ensure_future(store.async_add_message(key, message(name)))
                    if rng.random() < 0.1:
                        await asyncio.sleep(rng.random() / 100)
                        call.cancel()
                    try:
                        await call
                    except asyncio.CancelledError:
                        cancelled[key].add(name)
                    else:
                        done[key].add(name)

            writers = asyncio.gather(*map(write, done))
            for _ in range(8):
                await asyncio.sleep(0.02)
                if rng.random() < 0.5:
                    relay.cut()
                else:
                    relay.lose_replies(2)
            await writers
            assert backend_of(store).clients is not None
            for key, names in done.items():
                stored = contents(await store.async_get_messages(key))
                assert len(stored) == len(set(stored))
                assert names <= set(stored) <= names | cancelled[key]
                assert stored == sorted(stored, key=lambda name: int(name.split("-")[1]))

    with Relay(server.port) as relay:
        asyncio.run(scenario(relay))


def test_an_unreachable_server_fails_each_call(client: Any, server: RedisServer) -> None:
    async def scenario(relay: Relay) -> None:
        async with RedisChatStore(f"redis://127.0.0.1:{relay.port}?patience=0.1") as store:
            await store.async_count_messages("k")
            relay.refuse()
            relay.cut()
            calls = [store.async_add_message(f"k{n}", message("x")) for n in range(TASKS)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(one, StoreUnavailableError) for one in outcomes)
            relay.restore()
            assert await store.async_count_messages("k1") == 0

    with Relay(server.port) as relay:
        asyncio.run(scenario(relay))


def test_older_connections_are_discarded_before_the_last_reply(
    client: Any, server: RedisServer
) -> None:
    async def scenario() -> None:
        async with opened(server.port) as connections:
            await brief(connections, "PING")  # opens the connection that is shared
            older = await connections.send(["CLIENT", "ID"], Attempt())
            read_only = brief(connections, "EVAL", "return redis.error_reply('READONLY no')", "0")
            waiting = asyncio.ensure_future(brief(connections, "BLPOP", "list", "60"))
            with pytest.raises(redis.ResponseError, match="READONLY"):
                await read_only
            assert await brief(connections, "CLIENT", "ID") != older
            client.rpush("list", "x")
            assert await waiting == ["list", "x"]

    asyncio.run(scenario())
