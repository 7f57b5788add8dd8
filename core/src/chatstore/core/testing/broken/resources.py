"""Stores that leave something open, or that keep others waiting."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from typing import Any

from chatstore.core.backend import Plan
from chatstore.core.testing.broken.base import BrokenStore, SoundStore, T

_left_open: list[Any] = []


class OpensFileInConstructor(SoundStore):
    """Opens a file when it is made, as a library in C does: no audit hook is told."""

    def __init__(self, **options: Any) -> None:
        """Open it."""
        super().__init__(**options)
        self._handle = os.open(tempfile.gettempdir(), os.O_RDONLY)


class StartsThreadInConstructor(SoundStore):
    """Starts a thread when it is made."""

    def __init__(self, **options: Any) -> None:
        """Start it."""
        super().__init__(**options)
        self._ended = threading.Event()
        threading.Thread(target=self._ended.wait, daemon=True).start()

    def _close(self) -> None:
        self._ended.set()


class LeavesThread(SoundStore):
    """Starts a thread with the first call and never ends it."""

    _thread: threading.Thread | None = None

    def _now(self, plan: Plan[T]) -> T:
        if self._thread is None:
            self._thread = threading.Thread(target=threading.Event().wait, daemon=True)
            self._thread.start()
        return super()._now(plan)


class LeavesConnection(SoundStore):
    """Opens a socket with the first call and never closes it."""

    _socket: Any = None

    def _now(self, plan: Plan[T]) -> T:
        with self._lock:
            if self._socket is None:
                self._socket = socket.socket()
                _left_open.append(self._socket)
        return super()._now(plan)


class ClosesInSyncOnly(LeavesConnection):
    """Forgets in ``async_close`` what ``close`` closes."""

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    async def _async_close(self) -> None:
        """Do nothing."""


class ClosesOfThisThreadOnly(SoundStore):
    """Opens a connection for each thread and closes the closing thread's."""

    def __init__(self, **options: Any) -> None:
        """Begin with none."""
        super().__init__(**options)
        self._local = threading.local()

    def _now(self, plan: Plan[T]) -> T:
        if not hasattr(self._local, "socket"):
            self._local.socket = socket.socket()
            _left_open.append(self._local.socket)
        return super()._now(plan)

    def _close(self) -> None:
        if hasattr(self._local, "socket"):
            self._local.socket.close()


class BlocksTheLoop(SoundStore):
    """Waits for the database in async methods as in sync ones."""

    async def _async_execute(self, plan: Plan[T]) -> T:
        time.sleep(self.pause)  # noqa: ASYNC251 - this is what is broken
        return self._now(plan)


BROKEN = (
    BrokenStore(OpensFileInConstructor, ("test_constructor_opens_nothing",), "", "opened"),
    BrokenStore(StartsThreadInConstructor, ("test_constructor_opens_nothing",), "", "thread"),
    BrokenStore(LeavesThread, ("test_closing_leaves_nothing_open",), "", "thread"),
    BrokenStore(LeavesConnection, ("test_closing_leaves_nothing_open",), "", "socket"),
    BrokenStore(ClosesInSyncOnly, ("test_closing_leaves_nothing_open",), "", "async_closed"),
    BrokenStore(ClosesOfThisThreadOnly, ("test_closing_leaves_nothing_open",), "", "socket"),
    BrokenStore(BlocksTheLoop, ("test_async_calls_leave_the_loop_free",), "", "blocks"),
)
