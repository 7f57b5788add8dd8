"""Without a fault, a relay passes on all bytes, and the ends of connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme
from echo_server import PATIENCE, Client, EchoServer

from chatstore.core.testing import Relay


def fill(one: socket.socket) -> None:
    for _ in range(1000):
        one.send(b"x" * 999_999 + b"\n")


def test_passes_all_bytes_in_both_directions(relay: Relay) -> None:
    data = (bytes(range(256)).replace(b"\n", b"") + b"\n") * 12_000  # three MB
    received = bytearray()

    def read(client: Client) -> None:
        while len(received) < len(data):
            received.extend(client.socket.recv(1 << 16))

    with Client(relay) as client:
        reader = threading.Thread(target=read, args=(client,), daemon=True)
        reader.start()
        client.socket.sendall(data)
        reader.join(PATIENCE)

    assert bytes(received) == data
    assert relay.traffic.sent == relay.traffic.received == len(data)


def test_a_client_that_does_not_read_stops_nobody_else(relay: Relay) -> None:
    with Client(relay) as slow, Client(relay) as other:
        slow.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            fill(slow.socket)
        assert other.ask() == b"hello\n"


def test_ends_pass_in_both_directions(relay: Relay, server: EchoServer) -> None:
    with Client(relay) as client:
        assert client.ask() == b"hello\n"
        client.socket.shutdown(socket.SHUT_WR)
        assert client.socket.recv(1) == b""


def test_async_clients(relay: Relay) -> None:
    async def scenario() -> None:
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


def test_tls_passes_through() -> None:
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


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with EchoServer(b"unix ", path=path), Relay(path) as relay, Client(relay) as client:
        assert client.ask() == b"unix hello\n"
        relay.cut()
        with pytest.raises(ConnectionResetError):
            client.ask()
