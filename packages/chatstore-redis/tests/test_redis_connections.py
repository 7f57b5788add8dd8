"""Connections: lent to one call at a time, given up when their state is unknown."""

import asyncio
import threading
import time

import pytest
import redis
import redis.asyncio

from chatstore.core import ChatMessage, StoreSetupError, StoreUnavailableError
from chatstore.redis import RedisChatStore
from chatstore.redis.connections import AsyncConnections, Connections
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import Settings


def settings_of(timeout):
    return Settings(timeout=timeout), "the server", ServerMode("the server")


def connections(port, timeout=5.0):
    def make():
        return redis.Connection(port=port, protocol=2, socket_timeout=timeout)

    return Connections(make, *settings_of(timeout))


def async_connections(port, timeout=5.0):
    def make():
        return redis.asyncio.Connection(port=port, protocol=2, socket_timeout=None)

    return AsyncConnections(make, *settings_of(timeout))


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def names(client):
    return [one["cmd"] for one in client.client_list()]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_connections_that_the_server_closed_are_made_anew(client, server, mode):
    async def twice(store):
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


def test_an_error_of_the_server_keeps_the_connection(client, server):
    pool = connections(server.port)
    number = pool.execute_command("CLIENT", "ID")
    with pytest.raises(StoreSetupError):
        pool.execute_command("NOSUCHCOMMAND")
    assert pool.execute_command("CLIENT", "ID") == number
    pool.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_late_answer_is_nobody_elses(client, server, mode):
    def plain(*command):
        return pool.execute_command(*command)

    async def scenario(ask):
        with pytest.raises(StoreUnavailableError):
            await ask("BLPOP", "list", 2)
        client.rpush("list", "late")
        assert await ask("ECHO", "mine") == b"mine"

    async def awaited():
        pool = async_connections(server.port, timeout=0.2)
        await scenario(pool.execute_command)
        await pool.aclose()

    async def threaded():
        await scenario(lambda *command: asyncio.to_thread(plain, *command))
        pool.close()

    pool = connections(server.port, timeout=0.2)
    asyncio.run(threaded() if mode == "sync" else awaited())


def test_a_store_says_that_all_connections_are_in_use(client, server):
    url = f"redis://127.0.0.1:{server.port}?max_connections=1"
    with RedisChatStore(url, timeout=0.3) as store:
        session = store._clients.for_threads()._pool.session
        with session(), pytest.raises(StoreUnavailableError, match="in use"):
            store.count_messages("k")

        async def scenario():
            clients = await store._clients.for_loop()
            async with clients._pool.session():
                with pytest.raises(StoreUnavailableError, match="in use"):
                    await store.async_count_messages("k")
            assert await store.async_count_messages("k") == 0

        asyncio.run(scenario())
        assert store.count_messages("k") == 0


def test_a_connection_in_use_is_closed_when_it_comes_back(client, server):
    pool = connections(server.port)
    thread = threading.Thread(target=pool.execute_command, args=("BLPOP", "list", 10))
    thread.start()
    wait_for(lambda: "blpop" in names(client))
    pool.close()
    client.rpush("list", "x")
    thread.join()
    wait_for(lambda: len(client.client_list()) == 1)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_something_is_done_while_the_server_works(client, server, mode):
    done = []

    def meanwhile():
        wait_for(lambda: "blpop" in names(client))
        client.rpush("list", "x")
        done.append("pushed")

    def plain():
        pool = connections(server.port)
        answer = pool.execute_command("BLPOP", "list", 10, meanwhile=meanwhile)
        pool.close()
        return answer

    async def awaited():
        pool = async_connections(server.port)
        answer = await pool.execute_command("BLPOP", "list", 10, meanwhile=meanwhile)
        await pool.aclose()
        return answer

    answer = plain() if mode == "sync" else asyncio.run(awaited())
    assert (answer, done) == ([b"list", b"x"], ["pushed"])


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_that_nobody_reads_is_nobody_elses(client, server, mode):
    def plain(*command, **options):
        return pool.execute_command(*command, **options)

    async def scenario(ask):
        with pytest.raises(ZeroDivisionError):
            await ask("ECHO", "unread", meanwhile=lambda: 1 / 0)
        assert await ask("ECHO", "mine") == b"mine"

    async def awaited():
        pool = async_connections(server.port)
        await scenario(pool.execute_command)
        await pool.aclose()

    async def threaded():
        await scenario(lambda *command, **options: asyncio.to_thread(plain, *command, **options))
        pool.close()

    pool = connections(server.port)
    asyncio.run(threaded() if mode == "sync" else awaited())


def test_what_is_sent_again_is_waited_for_in_the_same_way(client, server):
    calls = []

    def meanwhile():
        calls.append("called")
        wait_for(lambda: "blpop" in names(client))
        if len(calls) == 1:
            client.client_kill_filter(_type="normal", skipme=True)
        else:
            client.rpush("list", "x")

    pool = connections(server.port)
    assert pool.execute_command("BLPOP", "list", 10, meanwhile=meanwhile) == [b"list", b"x"]
    assert calls == ["called"] * 2
    pool.close()
