"""A proxy on loopback that counts round trips and bytes between a package and its server."""

from __future__ import annotations

import socket
import threading
from typing import NamedTuple


class Traffic(NamedTuple):
    """What was transferred since the last `CountingProxy.take`."""

    round_trips: int
    sent: int
    received: int


class CountingProxy:
    """Listens on a free port and forwards everything to a server's port.

    A round trip begins when the client sends something after the server has answered.
    """

    def __init__(self, port: int) -> None:
        """Listen in front of a port of this machine."""
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self) -> Traffic:
        """Return the traffic since the last call, and reset the counters."""
        with self._lock:
            traffic = Traffic(self._trips, self._sent, self._received)
            self._reset()
            return traffic

    def close(self) -> None:
        """Stop listening; open connections end with their clients."""
        self._listener.close()

    def _reset(self) -> None:
        self._trips = self._sent = self._received = 0
        self._is_sending: dict[int, bool] = {}

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            number = client.fileno()
            for source, target, is_sending in ((client, server, True), (server, client, False)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                arguments = (source, target, number, is_sending)
                threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, number: int, is_sending: bool
    ) -> None:
        try:
            while data := source.recv(1 << 16):
                self._count(number, len(data), is_sending)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # one side is closed, so close the other
            target.close()

    def _count(self, number: int, size: int, is_sending: bool) -> None:
        with self._lock:
            if is_sending:
                self._trips += not self._is_sending.get(number, False)
                self._sent += size
            else:
                self._received += size
            self._is_sending[number] = is_sending
