"""TLS in front of a server: not every build of Postgres supports it."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import suppress

import trustme

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # PostgreSQL's frontend/backend protocol


class TlsFront:
    """Accepts TLS from clients and forwards the data without TLS to the server."""

    def __init__(self, port: int, certificate: trustme.LeafCert) -> None:
        """Listen on a free port in front of another."""
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            first = client.recv(8, socket.MSG_WAITALL)
            server = socket.create_connection(("127.0.0.1", self._target), timeout=60)
            with server:
                if first == _SSL_REQUEST:
                    client.sendall(b"S")
                    client = self._context.wrap_socket(client, server_side=True)
                else:
                    server.sendall(first)
                self._pass_on(client, server)
            client.close()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        def replies() -> None:
            with suppress(OSError):
                while data := server.recv(1 << 16):
                    client.sendall(data)
            _shut(client)

        thread = threading.Thread(target=replies, daemon=True)
        thread.start()
        with suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        _shut(server)
        thread.join(60)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
