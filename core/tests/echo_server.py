"""A server that echoes each line, and its client, for tests of the relay."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from threaded_server import ThreadedServer
from typing_extensions import Self

from chatstore.core.testing import Relay

PATIENCE = 60  # seconds until a test that hangs fails


class EchoServer(ThreadedServer):
    """Answers each line with the server's name and the line; each connection has a thread."""

    def __init__(
        self, name: bytes = b"", *, tls: ssl.SSLContext | None = None, path: str | None = None
    ) -> None:
        self.name = name
        self.seen: list[bytes] = []
        self._tls = tls
        listener = None
        if path is not None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen()
        super().__init__(listener)

    def serve(self, client: socket.socket) -> None:
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
    def __init__(self, relay: Relay, timeout: float = PATIENCE) -> None:
        self.socket = socket.create_connection(("127.0.0.1", relay.port), timeout=timeout)
        self._lines = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, line: bytes = b"hello\n") -> bytes:
        self.socket.sendall(line)
        return self.read_line()

    def read_line(self) -> bytes:
        return self._lines.readline()

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


@contextmanager
def clients(relay: Relay, count: int) -> Iterator[list[Client]]:
    """Yield clients that the server has already answered."""
    opened = [Client(relay) for _ in range(count)]
    for client in opened:
        assert client.ask()
    yield opened
    for client in opened:
        client.close()
