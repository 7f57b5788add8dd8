"""A proxy that records what clients send to a server on this machine."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Recorder:
    """What was sent.

    Attributes:
        port: Where clients connect.

    """

    def __init__(self, port: int) -> None:
        """Take the proxy's port."""
        self.port = port
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Record bytes."""
        self._chunks.append(chunk)

    def text(self) -> str:
        """Return all bytes as text."""
        return b"".join(self._chunks).decode("latin-1")


@contextmanager
def recorder(server_port: int) -> Iterator[Recorder]:
    """Pass all connections on to a server, and record what clients send."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", server_port)) as server:
                back = threading.Thread(target=_pass, args=(server, self.request), daemon=True)
                back.start()
                _pass(self.request, server, recording)
                back.join(60)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as proxy:
        recording = Recorder(proxy.server_address[1])
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield recording
        proxy.shutdown()
        thread.join(60)


def _pass(source: socket.socket, target: socket.socket, recording: Recorder | None = None) -> None:
    """Pass bytes on until the source ends."""
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            if recording is not None:
                recording.add(chunk)
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
