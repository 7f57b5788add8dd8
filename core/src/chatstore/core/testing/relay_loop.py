"""The event loop of a `Relay`: everything here runs on the relay's thread."""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import time
from typing import Any, NamedTuple

from chatstore.core.testing.relay_link import Faults, Link, Traffic

HOST = "127.0.0.1"


class Target(NamedTuple):
    """Where the server listens."""

    family: socket.AddressFamily
    address: Any
    name: str


class RelayLoop:
    """Accepts clients, connects each to the server and moves bytes between the two."""

    def __init__(self, listener: socket.socket, target: Target) -> None:
        """Start without clients and faults."""
        self.accepted = 0
        self.failures: list[str] = []
        self.is_stopped = False
        self._target = target
        self._links: list[Link] = []
        self._faults = Faults()
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._alarm, self._ringer = socket.socketpair()
        for one in (self._alarm, self._ringer):
            one.setblocking(False)
        self._selector.register(self._alarm, selectors.EVENT_READ)
        self.accept_on(listener)

    def wake(self) -> None:
        """End the current `run_once`; the only method for other threads."""
        with contextlib.suppress(OSError):  # full: it is awake already; closed: it has ended
            self._ringer.send(b"\0")

    def run_once(self, timeout: float | None = None) -> None:
        """Wait until sockets are ready, at most ``timeout`` seconds, and serve them."""
        for key, events in self._selector.select(self._wait(timeout)):
            if key.fileobj is self._alarm:
                self._alarm.recv(4096)
            elif key.fileobj is self._listener:
                self._accept()
            elif isinstance(key.data, Link):
                key.data.handle(key.fileobj, events)
        now = time.monotonic()
        for link in self._links:
            link.send(now)
            self._register(link)
        self.failures += [link.failure for link in self._links if link.failure is not None]
        self._links = [link for link in self._links if not link.is_closed]

    def _wait(self, timeout: float | None) -> float | None:
        """Return how long to wait: at most until the next delayed chunk is due."""
        due = min((link.next_due for link in self._links), default=math.inf)
        if due == math.inf:
            return timeout
        wait = max(0.0, due - time.monotonic())
        return wait if timeout is None else min(wait, timeout)

    def _accept(self) -> None:
        while self._listener is not None:
            try:
                client, _ = self._listener.accept()
            except OSError:  # no client is waiting any more
                return
            self.accepted += 1
            family, address, name = self._target
            self._links.append(Link(client, socket.socket(family), self._faults))
            self._links[-1].connect(address, name)

    def _register(self, link: Link) -> None:
        """Register the link's sockets for the events that it waits for."""
        if link.is_ended:
            self._discard(link)
            return
        for one, events in link.interests():
            registered = self._selector.get_map().get(one)
            if registered is None:
                if events:
                    self._selector.register(one, events, link)
            elif not events:
                self._selector.unregister(one)
            elif registered.events != events:
                self._selector.modify(one, events, link)

    def _discard(self, link: Link) -> None:
        for one in link.sockets:
            if self._selector.get_map().get(one):
                self._selector.unregister(one)
        link.close()

    # ------------------------------------------------------------------ commands

    @property
    def traffic(self) -> Traffic:
        """The requests and bytes that were passed on."""
        return self._faults.traffic

    @property
    def lost_replies(self) -> int:
        """The number of replies that were lost because of `lose_replies`."""
        return self._faults.lost_replies

    def count_connections(self) -> int:
        """Return the number of connections that clients have open."""
        return sum(link.is_open for link in self._links)

    def cut(self) -> None:
        """Reset all connections."""
        for link in self._links:
            link.is_reset = True
            self._discard(link)
        self._links.clear()

    def forget(self) -> None:
        """Stop passing bytes on all connections."""
        for link in self._links:
            link.forget()

    def swap(self, target: Target) -> None:
        """Connect new clients to another server."""
        self._target = target

    def set_delay(self, seconds: float) -> None:
        """Delay chunks that arrive from now on; 0 also makes delayed chunks due."""
        self._faults.delay = seconds
        if not seconds:
            for link in self._links:
                link.release()

    def lose_replies(self, count: int, containing: bytes, skip: int) -> None:
        """Lose the replies to ``count`` requests that contain ``containing``."""
        self._faults.losses = count
        self._faults.containing = containing
        self._faults.skip, self._faults.answered = skip, 0

    @property
    def is_refusing(self) -> bool:
        """Whether new connections are refused."""
        return self._listener is None

    def refuse(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def accept_on(self, listener: socket.socket) -> None:
        """Listen on this socket from now on."""
        self.refuse()
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)

    def stop(self) -> None:
        """Set `is_stopped`; the thread ends after the current `run_once`."""
        self.is_stopped = True

    def close(self) -> None:
        """Close everything."""
        self.refuse()
        for link in self._links:
            self._discard(link)
        self._selector.close()
        self._alarm.close()
        self._ringer.close()

    def abandon(self) -> None:
        """Close a forked child's copies of all sockets, without an effect on the parent's."""
        # Unregistering would change the selector that the parent and the child share.
        self._selector.close()
        for one in (self._alarm, self._ringer, self._listener):
            if one is not None:
                one.close()
        for link in self._links:
            link.is_reset = False
            link.close()
