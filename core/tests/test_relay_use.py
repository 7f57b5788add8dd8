"""A relay counts, can be used from threads and forks, names failures, and closes."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

import pytest
from echo_server import PATIENCE, Client, EchoServer, clients

from chatstore.core.testing import Relay


def test_counts(relay: Relay) -> None:
    assert (relay.accepted, relay.connections, relay.traffic) == (0, 0, (0, 0, 0))
    with clients(relay, 4):
        assert (relay.accepted, relay.connections) == (4, 4)
    assert (relay.accepted, relay.connections) == (4, 0)
    assert relay.traffic == (4, 24, 24)


def test_unanswered_connections_are_counted(relay: Relay) -> None:
    with Client(relay), Client(relay):
        assert (relay.accepted, relay.connections) == (2, 2)


def test_server_that_is_away_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Relay(port) as relay:
        with pytest.raises(ConnectionError), Client(relay) as client:
            assert client.ask()
        assert relay.failures == [f"cannot connect to port {port}: Connection refused"]
        assert relay.connections == 0


def test_commands_from_many_threads(relay: Relay) -> None:
    def work() -> None:
        for _ in range(20):
            with Client(relay) as client:
                assert client.ask() == b"hello\n"
            assert relay.accepted

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert relay.accepted == 120
    assert relay.connections == 0


def test_closing_ends_connections_and_the_port(server: EchoServer) -> None:
    relay = Relay(server.port)
    with clients(relay, 2) as opened:
        relay.close()
        relay.close()
        for client in opened:
            assert client.socket.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", relay.port), timeout=PATIENCE)
    with pytest.raises(RuntimeError, match="was closed"):
        relay.cut()


def test_a_relay_that_fails_says_why(server: EchoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay(server.port)
    monkeypatch.setattr(relay._loop, "cut", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        relay.cut()
    with pytest.raises(RuntimeError, match="failed: ZeroDivisionError"):
        relay.forget()
    with pytest.raises(RuntimeError, match="failed: ZeroDivisionError") as caught:
        relay.close()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("target", [True, 1.5, None, b"path"])
def test_targets_that_are_neither_port_nor_path(target: Any) -> None:
    with pytest.raises(TypeError, match="must be a port or the path"):
        Relay(target)


@pytest.mark.parametrize(("name", "value"), [("delay", -1), ("delay", float("nan"))])
def test_nonsense_is_refused(relay: Relay, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        getattr(relay, name)(value)
    with pytest.raises(ValueError, match="must be 0 or more"):
        relay.lose_replies(-1)
    with pytest.raises(ValueError, match="must be 0 or more"):
        relay.lose_replies(1, skip=-1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # about a fork while threads run
def test_a_forked_child_leaves_the_connections_to_the_parent(relay: Relay) -> None:
    with clients(relay, 1) as [client]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(writing)
                os.read(reading, 1)  # lives until the parent has seen the reset
                relay.cut()
            except RuntimeError:
                os._exit(7)
            finally:
                os._exit(1)
        os.close(reading)
        relay.cut()
        with pytest.raises(ConnectionResetError):
            client.ask()
        os.close(writing)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
