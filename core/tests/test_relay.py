"""The relay causes each fault as its clients see it, and only that fault."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial

import pytest
from echo_server import PATIENCE, Client, EchoServer, clients

from chatstore.core.testing import Relay


def wait_until(is_true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def has_sent_more(relay: Relay, sent: int) -> bool:
    return relay.traffic.sent > sent


def test_cut_resets_all_open_connections_and_no_later_ones(relay: Relay) -> None:
    with clients(relay, 5) as opened, Client(relay) as unused:
        relay.cut()
        for client in [*opened, unused]:
            with pytest.raises(ConnectionResetError):
                client.socket.recv(1)
        assert relay.connections == 0
        with Client(relay) as new:
            assert new.ask() == b"hello\n"


def test_forget_keeps_connections_open_and_silent(relay: Relay, server: EchoServer) -> None:
    with clients(relay, 3) as opened:
        relay.forget()
        seen = len(server.seen)
        for client in opened:
            client.socket.sendall(b"lost\n")
            client.socket.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.socket.recv(1)
        with Client(relay) as new:
            assert new.ask() == b"hello\n"
        assert relay.connections == 3
        assert server.seen[seen:] == [b"hello\n"]
    assert relay.connections == 0


def test_forget_hides_that_a_server_ends_a_connection(relay: Relay, server: EchoServer) -> None:
    ended = socket.create_server(("127.0.0.1", 0))
    with ended, Relay(ended.getsockname()[1]) as other, Client(other) as client:
        accepted, _ = ended.accept()
        assert other.connections == 1
        other.forget()
        accepted.close()
        client.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        assert other.connections == 1


def test_swap_concerns_new_connections_only(relay: Relay) -> None:
    with EchoServer(b"other ") as other, clients(relay, 1) as [old]:
        relay.swap(other.port)
        with Client(relay) as new:
            assert new.ask() == b"other hello\n"
        assert old.ask() == b"hello\n"


def test_delay_holds_back_both_directions(relay: Relay) -> None:
    with clients(relay, 1) as [client]:
        relay.delay(0.15)
        start = time.monotonic()
        assert client.ask() == b"hello\n"
        assert time.monotonic() - start >= 0.3
        assert client.ask(b"in order\n") == b"in order\n"


def test_delay_of_zero_releases_what_is_held_back(relay: Relay) -> None:
    with clients(relay, 1) as [client]:
        relay.delay(10 * PATIENCE)
        client.socket.sendall(b"late\n")
        wait_until(lambda: relay.traffic.sent == len(b"hello\nlate\n"), "the relay read nothing")
        relay.delay(0)
        assert client.read_line() == b"late\n"


def test_refuse_and_restore(relay: Relay) -> None:
    with clients(relay, 1) as [open_one]:
        for _ in range(3):
            relay.refuse()
            with pytest.raises(ConnectionRefusedError):
                Client(relay)
            assert open_one.ask() == b"hello\n"
            relay.restore()
            relay.restore()  # twice is once
            with Client(relay) as client:
                assert client.ask() == b"hello\n"
    relay.refuse()
    relay.refuse()  # twice is once


def test_restore_when_the_port_was_taken(relay: Relay) -> None:
    relay.refuse()
    taker = socket.socket()
    taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with taker:
        taker.bind(("127.0.0.1", relay.port))
        taker.listen()
        with pytest.raises(OSError, match="in use"):
            relay.restore()
    relay.restore()
    with Client(relay) as client:
        assert client.ask() == b"hello\n"


def test_lost_replies_were_acted_on(relay: Relay, server: EchoServer) -> None:
    relay.lose_replies(2)
    for line in (b"a\n", b"b\n"):
        with Client(relay) as client, pytest.raises(ConnectionResetError):
            client.ask(line)
    with Client(relay) as client:
        assert client.ask(b"c\n") == b"c\n"
    assert server.seen == [b"a\n", b"b\n", b"c\n"]
    assert relay.lost_replies == 2


def test_lost_reply_of_an_open_connection(relay: Relay, server: EchoServer) -> None:
    with clients(relay, 1) as [client]:
        relay.lose_replies(1)
        with pytest.raises(ConnectionResetError):
            client.ask(b"x\n")
        assert server.seen == [b"hello\n", b"x\n"]


@pytest.mark.parametrize("pieces", [[b"the mark\n"], [b"the m", b"ark", b"\n"]])
def test_only_requests_with_these_bytes_lose_replies(
    relay: Relay, server: EchoServer, pieces: list[bytes]
) -> None:
    relay.lose_replies(1, containing=b"mark")
    with Client(relay) as client:
        assert client.ask(b"login\n") == b"login\n"
        for piece in pieces[:-1]:
            sent = relay.traffic.sent
            client.socket.sendall(piece)
            wait_until(partial(has_sent_more, relay, sent), "the relay read nothing")
        with pytest.raises(ConnectionResetError):
            client.ask(pieces[-1])
    assert server.seen == [b"login\n", b"the mark\n"]


def test_bytes_of_two_requests_are_not_put_together(relay: Relay) -> None:
    relay.lose_replies(1, containing=b"a\nb")
    with Client(relay) as client:
        assert client.ask(b"a\n") == b"a\n"
        assert client.ask(b"b\n") == b"b\n"


def test_every_third_reply_is_lost(relay: Relay) -> None:
    relay.lose_replies(2, skip=2)
    replies = []
    for number in range(8):
        line = b"%d\n" % number
        with Client(relay) as client:
            try:
                replies.append(client.ask(line) == line)
            except ConnectionResetError:
                replies.append(False)
    assert replies == [True, True, False, True, True, False, True, True]


def test_answered_requests_of_one_connection_count_once(relay: Relay) -> None:
    relay.lose_replies(1, containing=b"b", skip=2)
    with Client(relay) as client:
        for line in (b"b1\n", b"a\n", b"b2\n", b"a\n"):
            assert client.ask(line) == line
        with pytest.raises(ConnectionResetError):
            client.ask(b"b3\n")
