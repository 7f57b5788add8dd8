"""One client of a `Relay`, and its connection to the server."""

from __future__ import annotations

import errno
import math
import os
import selectors
import socket
import struct
import time
from collections import deque
from typing import Any, NamedTuple

_CHUNK = 1 << 16
_FULL = 1 << 20  # bytes in transit at which reading pauses, as in a real network
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Traffic(NamedTuple):
    """What a relay has passed on.

    Attributes:
        requests: The number of requests. A request is all bytes that a client sends on a
            connection until the server sends something; logins and handshakes count, too.
        sent: Bytes from clients.
        received: Bytes from the server.

    """

    requests: int = 0
    sent: int = 0
    received: int = 0


class Faults:
    """The faults that are in effect for all links, and what all links have passed on."""

    def __init__(self) -> None:
        """Start without faults."""
        self.delay = 0.0
        self.losses = 0
        self.containing = b""
        self.skip = 0
        self.answered = 0  # requests since the last lost reply
        self.lost_replies = 0
        self.traffic = Traffic()

    def takes_loss(self, request: bytes) -> bool | None:
        """Return whether to lose the reply to a request; ``None``: the request does not count."""
        if not self.losses or self.containing not in request:
            return None
        if self.answered < self.skip:
            self.answered += 1
            return False
        self.answered = 0
        self.losses -= 1
        return True


class _Flow:
    """Bytes in transit in one direction."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.chunks: deque[tuple[float, bytes]] = deque()  # when each is due
        self.size = 0
        self.is_blocked = False  # the target does not accept more bytes at present
        self.is_ended = False  # the source has sent its end
        self.is_done = False  # and the target has received it

    def put(self, data: bytes, delay: float) -> None:
        """Add a chunk; an empty one is the end."""
        self.is_ended = not data
        self.size += len(data)
        self.chunks.append((time.monotonic() + delay, data))

    def send(self, now: float) -> None:
        """Send the chunks that are due, as far as the target accepts them."""
        self.is_blocked = False
        while self.chunks and self.chunks[0][0] <= now:
            due, data = self.chunks.popleft()
            if not data:
                self.is_done = True
                self.target.shutdown(socket.SHUT_WR)
                return
            try:
                sent = self.target.send(data)
            except BlockingIOError:
                sent = 0
            self.size -= sent
            if sent < len(data):
                self.chunks.appendleft((due, data[sent:]))
                self.is_blocked = True
                return

    def clear(self) -> None:
        self.chunks.clear()
        self.size = 0
        self.is_blocked = False

    @property
    def next_due(self) -> float:
        """When to call `send` again, unless the target becomes writable; infinity: never."""
        return self.chunks[0][0] if self.chunks and not self.is_blocked else math.inf

    @property
    def events(self) -> int:
        """The events to watch the source for."""
        reads = not self.is_ended and self.size < _FULL
        return selectors.EVENT_READ if reads else 0


class Link:
    """A client's connection and the server's.

    Attributes:
        failure: Why the server could not be reached.
        is_ended: Whether both sides have ended, or one was reset.
        is_closed: Whether both sockets are closed.
        is_reset: Whether closing resets both sides.
        sockets: The client's and the server's.

    """

    def __init__(self, client: socket.socket, server: socket.socket, faults: Faults) -> None:
        """Take two sockets; `connect` follows."""
        self.failure: str | None = None
        self.is_ended = self.is_closed = self.is_reset = False
        self._client, self._server, self._faults = client, server, faults
        self.sockets = (client, server)
        for one in self.sockets:
            one.setblocking(False)
            if one.family != socket.AF_UNIX:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._up, self._down = _Flow(client, server), _Flow(server, client)
        self._name = ""
        self._is_connecting = True
        self._is_forgotten = False
        self._request: bytes | None = None  # the end of the current request, as far as needed
        self._loses_reply: bool | None = None  # None: not decided, or the request does not count

    @property
    def is_open(self) -> bool:
        """Whether the client has the connection open."""
        return not (self.is_ended or self._up.is_ended)

    @property
    def next_due(self) -> float:
        """When the next chunk may be sent; ``math.inf`` without a chunk."""
        return min(self._up.next_due, self._down.next_due)

    def connect(self, address: Any, name: str) -> None:
        """Start to connect to the server."""
        self._name = name
        code = self._server.connect_ex(address)
        if code not in {0, errno.EINPROGRESS}:
            self._fail(code)

    def interests(self) -> list[tuple[socket.socket, int]]:
        """Return which events each socket waits for."""
        if self._is_connecting:
            return [(self._client, 0), (self._server, selectors.EVENT_WRITE)]
        write = selectors.EVENT_WRITE
        return [
            (self._client, self._up.events | (write if self._down.is_blocked else 0)),
            (self._server, self._down.events | (write if self._up.is_blocked else 0)),
        ]

    def handle(self, one: Any, events: int) -> None:
        """Read from a socket that is ready; `send` writes."""
        if self.is_ended:
            return
        if self._is_connecting:
            code = self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._is_connecting = False
            if code:
                self._fail(code)
            return
        if events & selectors.EVENT_READ:
            try:
                self._read(self._up if one is self._client else self._down)
            except OSError:  # one side was reset: reset the other, unless the link is forgotten
                if self._is_forgotten:
                    (self._up if one is self._client else self._down).is_ended = True
                else:
                    self.is_ended = self.is_reset = True

    def _read(self, flow: _Flow) -> None:
        try:
            data = flow.source.recv(_CHUNK)
        except BlockingIOError:
            return
        if self._is_forgotten:
            flow.is_ended = not data
            return
        if flow is self._up:
            self._note_request(data)
        elif self._loses_reply:
            self._faults.lost_replies += 1
            self.is_ended = self.is_reset = True
            return
        else:
            self._note_reply(data)
        flow.put(data, self._faults.delay)

    def _note_request(self, data: bytes) -> None:
        requests, sent, received = self._faults.traffic
        requests += bool(data) and self._request is None
        self._faults.traffic = Traffic(requests, sent + len(data), received)
        self._request = (self._request or b"") + data if data else self._request
        if data and self._loses_reply is None:
            self._loses_reply = self._faults.takes_loss(self._request or b"")
        # Keep only what may be the beginning of `containing`.
        keep = max(0, len(self._faults.containing) - 1)
        if self._request:
            self._request = self._request[len(self._request) - keep :] if keep else b""

    def _note_reply(self, data: bytes) -> None:
        requests, sent, received = self._faults.traffic
        self._faults.traffic = Traffic(requests, sent, received + len(data))
        self._request = None
        self._loses_reply = None

    def send(self, now: float) -> None:
        """Send the chunks that are due in both directions."""
        if self.is_ended or self._is_connecting or self._is_forgotten:
            return
        try:
            self._up.send(now)
            self._down.send(now)
        except OSError:  # the other side was reset
            self.is_ended = self.is_reset = True
        if self._up.is_done and self._down.is_done:
            self.is_ended = True

    def forget(self) -> None:
        """Stop passing bytes; neither side notices."""
        self._is_forgotten = True
        self._up.clear()
        self._down.clear()

    def release(self) -> None:
        """Make all delayed chunks due."""
        for flow in (self._up, self._down):
            flow.chunks = deque((0.0, data) for _, data in flow.chunks)

    def close(self) -> None:
        """Close both sockets."""
        self.is_ended = self.is_closed = True
        for one in self.sockets:
            if self.is_reset and one.family != socket.AF_UNIX and one.fileno() >= 0:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            one.close()

    def _fail(self, code: int) -> None:
        self.failure = f"cannot connect to {self._name}: {os.strerror(code)}"
        self.is_ended = self.is_reset = True
