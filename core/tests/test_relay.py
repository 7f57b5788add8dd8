"""The relay makes each fault as its clients see it, and only that fault."""

import asyncio
import os
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
import trustme

from chatstore.core.testing import Relay

PATIENCE = 20  # seconds until a test that hangs fails


class EchoServer:
    """Answers each line with its own name and the line, from a thread for each connection."""

    def __init__(self, name=b"", *, tls=None, path=None):
        self.name = name
        self.seen = []
        self._tls = tls
        if path is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
            self.port = self._listener.getsockname()[1]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
            self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            with client, client.makefile("rb") as lines:
                for line in lines:
                    self.seen.append(line)
                    client.sendall(self.name + line)
        except OSError:
            pass


class Client:
    def __init__(self, relay, timeout=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", relay.port), timeout=timeout)
        self._lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, line=b"hello\n"):
        self.socket.sendall(line)
        return self._lines.readline()

    def close(self):
        self._lines.close()
        self.socket.close()


@contextmanager
def clients(relay, count):
    """Return clients whose connections the server has answered on."""
    opened = [Client(relay) for _ in range(count)]
    for client in opened:
        assert client.ask()
    yield opened
    for client in opened:
        client.close()


@pytest.fixture
def server():
    with EchoServer() as server:
        yield server


@pytest.fixture
def relay(server):
    with Relay(server.port) as relay:
        yield relay
    assert not [t for t in threading.enumerate() if t.name == f"relay on port {relay.port}"]


def fill(one):
    for _ in range(1000):
        one.send(b"x" * 999_999 + b"\n")


def wait_until(is_true, what):
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def test_passes_all_bytes_in_both_directions(relay):
    data = (bytes(range(256)).replace(b"\n", b"") + b"\n") * 12_000  # three MB
    received = bytearray()

    def read(client):
        while len(received) < len(data):
            received.extend(client.socket.recv(1 << 16))

    with Client(relay) as client:
        reader = threading.Thread(target=read, args=(client,), daemon=True)
        reader.start()
        client.socket.sendall(data)
        reader.join(PATIENCE)

    assert bytes(received) == data
    assert relay.traffic.sent == relay.traffic.received == len(data)


def test_a_client_that_does_not_read_stops_nobody_else(relay):
    with Client(relay) as slow, Client(relay) as other:
        slow.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            fill(slow.socket)
        assert other.ask() == b"hello\n"


def test_ends_pass_in_both_directions(relay, server):
    with Client(relay) as client:
        assert client.ask() == b"hello\n"
        client.socket.shutdown(socket.SHUT_WR)
        assert client.socket.recv(1) == b""


def test_async_clients(relay):
    async def scenario():
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"a\n")
        assert await reader.readline() == b"a\n"
        relay.cut()
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"b\n")
        assert await reader.readline() == b"b\n"
        writer.close()

    asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


def test_tls_passes_through():
    authority = trustme.CA()
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(of_server)
    of_client = ssl.create_default_context()
    authority.configure_trust(of_client)
    with EchoServer(tls=of_server) as server, Relay(server.port) as relay:
        plain = socket.create_connection(("127.0.0.1", relay.port), timeout=PATIENCE)
        with of_client.wrap_socket(
            plain, server_hostname="localhost", suppress_ragged_eofs=False
        ) as client:
            client.sendall(b"secret\n")
            assert client.recv(100) == b"secret\n"
            relay.cut()
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                client.recv(100)


def test_unix_socket(tmp_path):
    path = str(tmp_path / "s")
    with EchoServer(b"unix ", path=path), Relay(path) as relay, Client(relay) as client:
        assert client.ask() == b"unix hello\n"
        relay.cut()
        with pytest.raises(ConnectionResetError):
            client.ask()


def test_cut_resets_all_open_connections_and_no_later_ones(relay):
    with clients(relay, 5) as opened, Client(relay) as unused:
        relay.cut()
        for client in [*opened, unused]:
            with pytest.raises(ConnectionResetError):
                client.socket.recv(1)
        assert relay.connections == 0
        with Client(relay) as new:
            assert new.ask() == b"hello\n"


def test_forget_keeps_connections_open_and_silent(relay, server):
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


def test_forget_is_empty_answer_of_a_server_that_ends(relay, server):
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


def test_swap_concerns_new_connections_only(relay):
    with EchoServer(b"other ") as other, clients(relay, 1) as [old]:
        relay.swap(other.port)
        with Client(relay) as new:
            assert new.ask() == b"other hello\n"
        assert old.ask() == b"hello\n"


def test_delay_holds_back_both_directions(relay):
    with clients(relay, 1) as [client]:
        relay.delay(0.15)
        start = time.monotonic()
        assert client.ask() == b"hello\n"
        assert time.monotonic() - start >= 0.3
        assert client.ask(b"in order\n") == b"in order\n"


def test_delay_of_zero_releases_what_is_held_back(relay):
    with clients(relay, 1) as [client]:
        relay.delay(10 * PATIENCE)
        client.socket.sendall(b"late\n")
        wait_until(lambda: relay.traffic.sent == len(b"hello\nlate\n"), "the relay read nothing")
        relay.delay(0)
        assert client._lines.readline() == b"late\n"


def test_refuse_and_restore(relay):
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


def test_restore_when_the_port_was_taken(relay):
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


def test_lost_replies_were_acted_on(relay, server):
    relay.lose_replies(2)
    for line in (b"a\n", b"b\n"):
        with Client(relay) as client, pytest.raises(ConnectionResetError):
            client.ask(line)
    with Client(relay) as client:
        assert client.ask(b"c\n") == b"c\n"
    assert server.seen == [b"a\n", b"b\n", b"c\n"]
    assert relay.lost_replies == 2


def test_lost_reply_of_an_open_connection(relay, server):
    with clients(relay, 1) as [client]:
        relay.lose_replies(1)
        with pytest.raises(ConnectionResetError):
            client.ask(b"x\n")
        assert server.seen == [b"hello\n", b"x\n"]


@pytest.mark.parametrize("pieces", [[b"the mark\n"], [b"the m", b"ark", b"\n"]])
def test_only_requests_with_these_bytes_lose_replies(relay, server, pieces):
    relay.lose_replies(1, containing=b"mark")
    with Client(relay) as client:
        assert client.ask(b"login\n") == b"login\n"
        for piece in pieces[:-1]:
            sent = relay.traffic.sent
            client.socket.sendall(piece)
            wait_until(lambda sent=sent: relay.traffic.sent > sent, "the relay read nothing")
        with pytest.raises(ConnectionResetError):
            client.ask(pieces[-1])
    assert server.seen == [b"login\n", b"the mark\n"]


def test_bytes_of_two_requests_are_not_put_together(relay):
    relay.lose_replies(1, containing=b"a\nb")
    with Client(relay) as client:
        assert client.ask(b"a\n") == b"a\n"
        assert client.ask(b"b\n") == b"b\n"


def test_counts(relay):
    assert (relay.accepted, relay.connections, relay.traffic) == (0, 0, (0, 0, 0))
    with clients(relay, 4):
        assert (relay.accepted, relay.connections) == (4, 4)
    assert (relay.accepted, relay.connections) == (4, 0)
    assert relay.traffic == (4, 24, 24)


def test_unanswered_connections_are_counted(relay):
    with Client(relay), Client(relay):
        assert (relay.accepted, relay.connections) == (2, 2)


def test_server_that_is_away_is_named():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Relay(port) as relay:
        with pytest.raises(ConnectionError), Client(relay) as client:
            assert client.ask()
        assert relay.failures == [f"cannot connect to port {port}: Connection refused"]
        assert relay.connections == 0


def test_commands_from_many_threads(relay):
    def work():
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


def test_closing_ends_connections_and_the_port(server):
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


def test_a_relay_that_fails_says_why(server, monkeypatch):
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
def test_targets_that_are_neither_port_nor_path(target):
    with pytest.raises(TypeError, match="must be a port or the path"):
        Relay(target)


@pytest.mark.parametrize(("name", "value"), [("delay", -1), ("delay", float("nan"))])
def test_nonsense_is_refused(relay, name, value):
    with pytest.raises(ValueError, match="must be 0 or more"):
        getattr(relay, name)(value)
    with pytest.raises(ValueError, match="must be 0 or more"):
        relay.lose_replies(-1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork beside threads
def test_a_forked_child_leaves_the_connections_to_the_parent(relay):
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
