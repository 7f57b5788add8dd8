"""Backends that leave something open, or that keep others waiting."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from typing import Any

from chatstore.core.backend import Plan
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, CorrectBackend, T

_left_open: list[Any] = []


class OpensFileInConstructor(BrokenBackend):
    """Opens a file when it is constructed, like a C library: audit hooks do not see it."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Open it."""
        super().__init__(inner)
        self._handle = os.open(tempfile.gettempdir(), os.O_RDONLY)


class StartsThreadInConstructor(BrokenBackend):
    """Starts a thread when it is constructed."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Start it."""
        super().__init__(inner)
        self._ended = threading.Event()
        threading.Thread(target=self._ended.wait, daemon=True).start()

    def close(self) -> None:
        self._ended.set()

    async def async_close(self) -> None:
        self._ended.set()


class OpensResources(BrokenBackend):
    """Base class of backends that open something in a call."""

    def open(self) -> None:
        """Open it, unless it is open."""

    def run(self, plan: Plan[Conversations, T]) -> T:
        self.open()
        return self.inner.run(plan)

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        self.open()
        return await self.inner.async_run(plan)


class LeavesThread(OpensResources):
    """Starts a thread with the first call and never ends it."""

    _thread: threading.Thread | None = None

    def open(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=threading.Event().wait, daemon=True)
            self._thread.start()


class LeavesConnection(OpensResources):
    """Opens a socket with the first call and never closes it."""

    socket: Any = None
    _lock = threading.Lock()

    def open(self) -> None:
        with self._lock:
            if self.socket is None:
                self.socket = socket.socket()
                _left_open.append(self.socket)


class ClosesInSyncOnly(LeavesConnection):
    """Closes its socket in ``close``, but not in ``async_close``."""

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()


class ClosesOfThisThreadOnly(OpensResources):
    """Opens a connection for each thread, and closes only the one of the thread that closes it."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Start without connections."""
        super().__init__(inner)
        self._local = threading.local()

    def open(self) -> None:
        if not hasattr(self._local, "socket"):
            self._local.socket = socket.socket()
            _left_open.append(self._local.socket)

    def close(self) -> None:
        if hasattr(self._local, "socket"):
            self._local.socket.close()

    async def async_close(self) -> None:
        self.close()


class BlocksTheLoop(BrokenBackend):
    """Blocks the event loop in async methods."""

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        time.sleep(self.inner.pause)  # noqa: ASYNC251 - this is what is broken
        return self.inner.answer(plan)


BROKEN = (
    BrokenStore(OpensFileInConstructor, ("test_constructor_opens_nothing",), "", "opened"),
    BrokenStore(StartsThreadInConstructor, ("test_constructor_opens_nothing",), "", "thread"),
    BrokenStore(LeavesThread, ("test_closing_leaves_nothing_open",), "", "thread"),
    BrokenStore(LeavesConnection, ("test_closing_leaves_nothing_open",), "", "socket"),
    BrokenStore(ClosesInSyncOnly, ("test_closing_leaves_nothing_open",), "", "async_closed"),
    BrokenStore(ClosesOfThisThreadOnly, ("test_closing_leaves_nothing_open",), "", "socket"),
    BrokenStore(BlocksTheLoop, ("test_async_calls_leave_the_loop_free",), "", "blocks"),
)
