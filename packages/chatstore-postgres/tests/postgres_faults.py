"""A TCP proxy in front of a server that loses replies, cuts, forgets, delays and fails over."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

ANSWER = b"SELECT 1\0"
"""Ends the answer of a statement that returns one row."""


class FaultProxy:
    """Forwards connections, with faults that can be changed while it runs.

    Attributes:
        loss: The share of lost replies: the server has acted, and the client is disconnected.
        lose: How many of the next replies with ``reply`` are lost for certain.
        reply: The bytes that mark a reply to be lost for certain.
        on_loss: Called between the server's reply and the cut.
        is_silent: Nothing is forwarded any more, and nothing is closed.
        lost: How many replies were lost.
        target: The port that new connections go to; open connections stay.
        delay: Seconds before each reply is passed on.

    """

    def __init__(self, port: int) -> None:
        """Listen on a free port in front of another."""
        self.target = port
        self.delay = 0.0
        self._age = 0
        self._random = random.Random(7)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.loss = 0.0
        self.lose = 0
        self.reply = b""
        self.on_loss: Callable[[], object] = lambda: None
        self.is_silent = False
        self.lost = 0
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset all open connections."""
        for one in self._sockets:
            _shut(one)

    def forget(self) -> None:
        """Drop data on open connections without notice; new ones work."""
        self._age += 1

    @property
    def url(self) -> str:
        """Return the database's URL through the proxy."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def close(self) -> None:
        """Close everything."""
        for one in [self._listener, *self._sockets]:
            _shut(one)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=60)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            for pump in (self._requests, self._replies):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        self._pump(client, server, lambda _: False)

    def _replies(self, client: socket.socket, server: socket.socket) -> None:
        self._pump(server, client, self._is_to_lose)

    def _is_to_lose(self, data: bytes) -> bool:
        if self.lose and self.reply in data:
            self.lose -= 1
        elif self._random.random() >= self.loss:
            return False
        self.lost += 1
        self.on_loss()
        return True

    def _pump(
        self, source: socket.socket, target: socket.socket, is_to_lose: Callable[[bytes], bool]
    ) -> None:
        age = self._age
        try:
            while data := source.recv(1 << 16):
                if self.is_silent or age != self._age:
                    continue
                if self.delay:
                    time.sleep(self.delay)
                if is_to_lose(data):
                    break
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            _shut(one)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
