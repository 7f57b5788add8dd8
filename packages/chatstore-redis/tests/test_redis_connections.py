"""Connections: lent to one call at a time, given up when their state is unknown."""

import asyncio
import threading
import time

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import MaxConnectionsError
from redis.retry import Retry

from chatstore.core import ChatMessage
from chatstore.redis import RedisChatStore
from chatstore.redis.connections import AsyncConnections, Connections


@pytest.fixture
def client(server):
    with redis.Redis(port=server.port) as client:
        client.flushall()
        yield client


def connections(port, most=1, patience=5.0):
    return Connections(
        lambda: redis.Connection(port=port, protocol=2, socket_timeout=patience),
        Retry(NoBackoff(), 2, supported_errors=(redis.ConnectionError,)),
        most,
        patience,
    )


def async_connections(port, most=1, patience=5.0):
    return AsyncConnections(
        lambda: redis.asyncio.Connection(port=port, protocol=2, socket_timeout=None),
        AsyncRetry(NoBackoff(), 2, supported_errors=(redis.ConnectionError,)),
        most,
        patience,
    )


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def names(client):
    return [one["cmd"] for one in client.client_list()]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_connections_that_the_server_closed_are_made_anew(client, server, colour):
    async def twice(store):
        for text in ("before", "after"):
            message = ChatMessage(role="user", content=text)
            if colour == "sync":
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
    with pytest.raises(redis.ResponseError):
        pool.execute_command("NOSUCHCOMMAND")
    [connection] = pool._free
    socket = connection._sock
    assert pool.execute_command("PING") == b"PONG"
    assert pool._free == [connection]
    assert connection._sock is socket
    pool.close()


def test_a_late_answer_is_nobody_elses(client, server):
    pool = connections(server.port, patience=0.2)
    with pytest.raises(redis.TimeoutError):
        pool.execute_command("BLPOP", "list", 2)
    client.rpush("list", "late")
    assert pool.execute_command("ECHO", "mine") == b"mine"
    pool.close()


def test_a_late_answer_is_no_other_tasks(client, server):
    async def scenario():
        pool = async_connections(server.port, patience=0.2)
        with pytest.raises(redis.TimeoutError):
            await pool.execute_command("BLPOP", "list", 2)
        client.rpush("list", "late")
        assert await pool.execute_command("ECHO", "mine") == b"mine"
        await pool.aclose()

    asyncio.run(scenario())


def test_waiting_for_a_connection_ends(client, server):
    pool = connections(server.port)
    thread = threading.Thread(target=pool.execute_command, args=("BLPOP", "list", 10))
    thread.start()
    wait_for(lambda: "blpop" in names(client))
    pool._patience = 0.1
    with pytest.raises(MaxConnectionsError):
        pool.execute_command("PING")
    client.rpush("list", "x")
    thread.join()
    assert pool.execute_command("PING") == b"PONG"
    pool.close()


def test_waiting_for_a_connection_ends_in_tasks(client, server):
    async def scenario():
        pool = async_connections(server.port)
        blocked = asyncio.create_task(pool.execute_command("BLPOP", "list", 10))
        await asyncio.to_thread(wait_for, lambda: "blpop" in names(client))
        pool._patience = 0.1
        with pytest.raises(MaxConnectionsError):
            await pool.execute_command("PING")
        client.rpush("list", "x")
        assert await blocked == [b"list", b"x"]
        assert await pool.execute_command("PING") == b"PONG"
        await pool.aclose()

    asyncio.run(scenario())


def test_a_connection_in_use_is_closed_when_it_comes_back(client, server):
    pool = connections(server.port)
    thread = threading.Thread(target=pool.execute_command, args=("BLPOP", "list", 10))
    thread.start()
    wait_for(lambda: "blpop" in names(client))
    pool.close()
    client.rpush("list", "x")
    thread.join()
    wait_for(lambda: len(client.client_list()) == 1)
