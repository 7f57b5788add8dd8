"""Connections that a failover, a restart, a firewall or an administrator made useless."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis
from modes import AsyncCaller, Caller, SyncCaller
from redis_interception import backend_of
from redis_pair import redis_replica
from redis_timeouts import shorten_timeouts

from chatstore.core import (
    OutcomeUnknownError,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import message
from chatstore.core.testing.relay import Relay
from chatstore.redis import RedisChatStore
from chatstore.redis.connections import Connections
from chatstore.redis_scripts.testing import RedisServer, redis_server

Servers = tuple[RedisServer, RedisServer]
CONNECTIONS = 8


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Caller:
    return SyncCaller() if request.param == "sync" else AsyncCaller()


@pytest.fixture
def relay(server: RedisServer, client: Any) -> Iterator[Relay]:
    with Relay(server.port) as relay:
        yield relay


@pytest.fixture
def idle_store(relay: Relay, call: Caller) -> Iterator[RedisChatStore]:
    """Return a store that checks connections which were idle for a second."""
    url = f"redis://127.0.0.1:{relay.port}?timeout=60&max_connections={CONNECTIONS}"
    store = RedisChatStore(url, patience=60)
    yield store
    call.close(store)


@pytest.fixture
def store(idle_store: RedisChatStore, monkeypatch: pytest.MonkeyPatch) -> RedisChatStore:
    """Return a store that checks no idle connections: a machine may stall for a second."""
    for module in ("connections", "async_connections"):
        monkeypatch.setattr(f"chatstore.redis.{module}.CHECK_SECONDS", 600.0)
    return idle_store


def open_all_connections(relay: Relay, store: RedisChatStore, call: Caller) -> None:
    """Make the store open all the connections that it may open."""
    for _ in range(50):
        outcomes = call.together([(store, "get_messages", ("k",))] * CONNECTIONS * 4)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if relay.connections == CONNECTIONS:
            return
    pytest.fail("the calls did not need all connections")


def test_cut_connections_fail_no_call(relay: Relay, store: RedisChatStore, call: Caller) -> None:
    open_all_connections(relay, store, call)
    relay.cut()
    outcomes = call.together(
        [(store, "add_message", ("k", message(str(number)))) for number in range(CONNECTIONS * 2)]
    )
    assert outcomes == [None] * CONNECTIONS * 2
    assert call(store, "count_messages", "k") == CONNECTIONS * 2


def test_forgotten_connections_cost_one_timeout_in_all(
    relay: Relay, store: RedisChatStore, call: Caller
) -> None:
    open_all_connections(relay, store, call)
    shorten_timeouts(store, call, CONNECTIONS)
    relay.forget()
    failures = 0
    for number in range(CONNECTIONS * 2):
        try:
            call(store, "add_message", "k", message(str(number)))
        except StoreUnavailableError:
            failures += 1
    assert failures <= 1
    assert call(store, "count_messages", "k") == CONNECTIONS * 2 - failures


def test_forgotten_connections_fail_each_caller_of_a_burst_once(
    relay: Relay, store: RedisChatStore, call: Caller
) -> None:
    open_all_connections(relay, store, call)
    shorten_timeouts(store, call, CONNECTIONS)
    relay.forget()
    burst = [(store, "count_messages", ("k",))] * CONNECTIONS
    call.together(burst)
    assert call.together(burst) == [0] * CONNECTIONS


def test_connections_that_were_idle_are_checked_before_use(
    relay: Relay, idle_store: RedisChatStore, call: Caller
) -> None:
    open_all_connections(relay, idle_store, call)
    relay.forget()
    time.sleep(1.2)  # longer than connections may be idle without a check
    outcomes = call.together([(idle_store, "add_message", ("k", message("x")))] * CONNECTIONS)
    assert outcomes == [None] * CONNECTIONS


def test_connections_that_the_server_kills(
    client: Any, relay: Relay, store: RedisChatStore, call: Caller
) -> None:
    open_all_connections(relay, store, call)
    client.client_kill_filter(_type="normal", skipme=True)
    assert call(store, "add_message", "k", message("x")) is None
    outcomes = call.together([(store, "count_messages", ("k",))] * CONNECTIONS)
    assert outcomes == [1] * CONNECTIONS


def test_connections_that_the_server_closes_when_idle(
    client: Any, relay: Relay, store: RedisChatStore, call: Caller
) -> None:
    client.config_set("timeout", 1)
    try:
        open_all_connections(relay, store, call)
        deadline = time.monotonic() + 60
        while len(client.client_list()) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert call(store, "add_message", "k", message("x")) is None
    finally:
        client.config_set("timeout", 0)


@pytest.fixture
def pair() -> Iterator[Servers]:
    """Return a primary and a replica of it that has caught up."""
    with redis_server() as primary, redis_replica(primary) as replica:
        yield primary, replica


@pytest.mark.parametrize("has_scripts", [False, True])
def test_failover_behind_one_address(pair: Servers, call: Caller, has_scripts: bool) -> None:
    """The old primary is still reachable, and is read-only."""
    primary, replica = pair
    with (
        Relay(primary.port) as relay,
        redis.Redis(port=primary.port) as old,
        redis.Redis(port=replica.port) as new,
    ):
        url = f"redis://127.0.0.1:{relay.port}?timeout=60&max_connections={CONNECTIONS}"
        store = RedisChatStore(url, patience=60)
        call(store, "add_message", "k", message("before"))
        open_all_connections(relay, store, call)
        old.execute_command("WAIT", 1, 10_000)
        new.execute_command("REPLICAOF", "NO", "ONE")
        old.execute_command("REPLICAOF", "127.0.0.1", replica.port)
        if not has_scripts:
            new.script_flush()
        relay.swap(replica.port)
        outcomes = call.together(
            [(store, "add_message", ("k", message("after")))] * CONNECTIONS * 4
        )
        assert outcomes == [None] * CONNECTIONS * 4
        assert len(call(store, "get_messages", "k")) == 1 + CONNECTIONS * 4
        assert new.hlen("chatstore:{k}:bodies") == 1 + CONNECTIONS * 4
        call.close(store)


def test_a_replica_that_stays_one_is_an_access_error(pair: Servers, call: Caller) -> None:
    _, replica = pair
    store = RedisChatStore(f"redis://127.0.0.1:{replica.port}", patience=0.1)
    with pytest.raises(StoreAccessError, match="read-only replica; connect to the primary"):
        call(store, "add_message", "k", message("x"))
    assert call(store, "count_messages", "k") == 0
    call.close(store)


ADMINISTRATION = {
    "READONLY": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), StoreAccessError),
    "NOREPLICAS": (
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "0"),
        StoreUnavailableError,
    ),
    "NOAUTH": (
        ("CONFIG", "SET", "requirepass", "hunter2"),
        ("CONFIG", "SET", "requirepass", ""),
        StoreAccessError,
    ),
}


@pytest.mark.parametrize("what", ADMINISTRATION)
def test_a_state_of_the_server_that_ends(call: Caller, what: str) -> None:
    """Meanwhile, calls fail with the cause; the next call after it succeeds."""
    begin, end, kind = ADMINISTRATION[what]
    with redis_server() as server, redis.Redis(port=server.port) as admin:
        store = RedisChatStore(f"redis://127.0.0.1:{server.port}", patience=0.2)
        call(store, "add_message", "k", message("a"))
        admin.execute_command(*begin)
        admin.client_kill_filter(_type="normal", skipme=True)
        call.sleep(0.05)  # a connection that was used just now would not be checked
        with pytest.raises(kind) as caught:
            call(store, "add_message", "k", message("lost"))
        assert not isinstance(caught.value, OutcomeUnknownError)
        admin.execute_command(*end)
        call(store, "add_message", "k", message("b"))
        assert [message.content for message in call(store, "get_messages", "k")] == ["a", "b"]
        call.close(store)


def test_a_replica_that_lost_its_primary_says_so(call: Caller) -> None:
    options = ("--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no")
    with redis_server(*options) as server:
        store = RedisChatStore(f"redis://127.0.0.1:{server.port}", patience=0.1)
        with pytest.raises(StoreUnavailableError, match="lost its primary"):
            call(store, "count_messages", "k")
        call.close(store)


def test_the_store_waits_for_a_busy_script(server: RedisServer, client: Any, call: Caller) -> None:
    client.config_set("lua-time-limit", 1)
    store = RedisChatStore(f"redis://127.0.0.1:{server.port}", patience=30)
    call(store, "add_message", "k", message("a"))

    def hold() -> None:
        with redis.Redis(port=server.port) as other:
            other.eval(
                "local t = redis.call('TIME')[1] repeat until redis.call('TIME')[1] - t > 1", 0
            )

    thread = threading.Thread(target=hold)
    thread.start()
    time.sleep(0.05)
    call(store, "add_message", "k", message("b"))
    thread.join()
    assert call(store, "count_messages", "k") == 2
    call.close(store)


def test_a_lost_login_is_renewed(client: Any, server: RedisServer, call: Caller) -> None:
    """A connection that lost its login, by RESET or because its user changed, is replaced."""
    client.execute_command("ACL", "SETUSER", "chat", "on", ">pw1234", "~*", "+@all")
    store = RedisChatStore(f"redis://chat:pw1234@127.0.0.1:{server.port}")
    call(store, "add_message", "k", message("a"))
    client.execute_command("ACL", "SETUSER", "chat", "off")
    client.execute_command("ACL", "SETUSER", "chat", "on")
    call(store, "add_message", "k", message("b"))
    assert call(store, "count_messages", "k") == 2
    call.close(store)
    client.execute_command("ACL", "DELUSER", "chat")


def test_a_restart_of_the_server(call: Caller) -> None:
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with redis_server(*options) as server, Relay(server.port) as relay:
        url = f"redis://127.0.0.1:{relay.port}?max_connections={CONNECTIONS}"
        store = RedisChatStore(url, timeout=60, patience=0.2)
        call(store, "add_message", "k", message("a"))
        open_all_connections(relay, store, call)
        server.stop()
        with pytest.raises(StoreUnavailableError):
            call(store, "add_message", "k", message("lost"))
        server.start()
        outcomes = call.together([(store, "add_message", ("k", message("b")))] * CONNECTIONS)
        assert outcomes == [None] * CONNECTIONS
        assert call(store, "count_messages", "k") == 1 + CONNECTIONS
        call.close(store)


def test_a_write_whose_outcome_is_unknown_says_so(
    relay: Relay, store: RedisChatStore, call: Caller
) -> None:
    call(store, "add_message", "k", message("a"))
    shorten_timeouts(store, call, CONNECTIONS)
    relay.forget()
    with pytest.raises(OutcomeUnknownError, match="may or may not have taken effect"):
        call(store, "add_message", "k", message("b"))
    call(store, "count_messages", "k")
    shorten_timeouts(store, call, CONNECTIONS)
    relay.forget()
    with pytest.raises(StoreUnavailableError) as caught:
        call(store, "get_messages", "k")
    assert not isinstance(caught.value, OutcomeUnknownError)  # a read has no effect


def test_what_was_never_sent_is_not_of_unknown_outcome(relay: Relay, call: Caller) -> None:
    store = RedisChatStore(f"redis://127.0.0.1:{relay.port}", timeout=60, patience=0.1)
    relay.refuse()
    with pytest.raises(StoreUnavailableError, match="connection refused") as caught:
        call(store, "add_message", "k", message("a"))
    assert not isinstance(caught.value, OutcomeUnknownError)
    relay.restore()
    call(store, "add_message", "k", message("a"))
    call.close(store)


@pytest.mark.parametrize("write", ["add_message", "delete_message", "set_messages"])
def test_commands_are_sent_again_after_lost_replies(
    relay: Relay, store: RedisChatStore, call: Caller, write: Any
) -> None:
    arguments = {
        "add_message": (message("c"),),
        "delete_message": (0,),
        "set_messages": ([message("d")],),
    }
    call(store, "set_messages", "k", [message("a"), message("b")])
    call(store, "add_message", "k", message("x"))
    call(store, "delete_message", "k", 2)
    relay.lose_replies(3, containing=b"chatstore:{k}")
    call(store, write, "k", *arguments[write])
    contents = [message.content for message in call(store, "get_messages", "k")]
    expected = {"add_message": ["a", "b", "c"], "delete_message": ["b"], "set_messages": ["d"]}
    assert contents == expected[write]
    assert relay.lost_replies == 3


def test_the_number_of_connections_is_bounded(
    relay: Relay, store: RedisChatStore, call: Caller
) -> None:
    outcomes = call.together([(store, "add_message", ("k", message("x")))] * 100)
    assert outcomes == [None] * 100
    assert relay.accepted <= CONNECTIONS


def test_the_system_checks_idle_connections(relay: Relay, store: RedisChatStore) -> None:
    store.count_messages("k")
    pool = cast("Connections", backend_of(store).clients.for_threads()).pool
    session = pool.acquire()
    sock = session.connection._sock
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
    pool.release(session)
