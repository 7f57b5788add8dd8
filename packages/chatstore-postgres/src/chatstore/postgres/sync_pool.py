"""Connections of psycopg for threads; a forked child begins anew."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chatstore.postgres.errors import PoolTimeoutError
from chatstore.postgres.sessions import DirectSession

# Inherited sockets are the parent's: they must not even be said goodbye to.
_inherited: list[object] = []
_all: weakref.WeakSet[SyncPool] = weakref.WeakSet()


class SyncPool:
    """Connections of psycopg, for threads."""

    def __init__(self, connect: Callable[[], Any], size: int, timeout: float) -> None:
        """Note what makes connections, the most of them, and how long to wait for a free one."""
        self._connect = connect
        self._size = size
        self._timeout = timeout
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._places = threading.Semaphore(self._size)
        self._free: list[DirectSession] = []
        self._lost_at = 0.0
        self._is_closed = False

    @contextmanager
    def lend(self) -> Iterator[DirectSession]:
        """Lend a connection."""
        if not self._places.acquire(timeout=self._timeout):
            raise PoolTimeoutError
        try:
            session = self._take() or DirectSession(self._connect())
            try:
                yield session
            finally:
                self._give_back(session)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close what is free; what is lent is closed when it comes back."""
        self._is_closed = True
        while (session := self._pop()) is not None:
            session.connection.close()

    def _take(self) -> DirectSession | None:
        while (session := self._pop()) is not None:
            if session.made_at > self._lost_at:
                return session
            session.connection.close()
        return None

    def _pop(self) -> DirectSession | None:
        try:
            return self._free.pop()
        except IndexError:  # asking first would be another thread's chance
            return None

    def _give_back(self, session: DirectSession) -> None:
        if session.is_lost:
            self._lost_at = time.monotonic()
        elif session.is_idle and not self._is_closed:
            self._free.append(session)
            return
        session.connection.close()

    def _forget(self) -> None:
        """Put the connections aside, in a child that inherited them, and begin anew."""
        _inherited.append((self._free, self._places))
        self._begin()


def _forget_all() -> None:
    for pool in _all:
        pool._forget()  # noqa: SLF001


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
