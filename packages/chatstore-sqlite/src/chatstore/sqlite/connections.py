"""Connections to one file: lent one operation at a time, and left alone after a fork."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from chatstore.sqlite import schema
from chatstore.sqlite.waiting import take_turns

# An inherited connection must not even be closed: https://sqlite.org/howtocorrupt.html part 2.6
_inherited: list[object] = []
_all: weakref.WeakSet[Connections] = weakref.WeakSet()


class Connections:
    """Opens connections when they are needed and keeps them for the next operation."""

    def __init__(self, path: str, timeout: float) -> None:
        """Note where and how; nothing is opened."""
        self._path = path
        self._timeout = timeout
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._idle: deque[sqlite3.Connection] = deque()
        # Threads queue here, fairly and without polling; SQLite's own lock is for processes.
        self.write_lock = threading.Lock()

    @contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; one that an error left in a transaction is closed."""
        idle = self._idle
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._open()
        healthy = False
        try:
            yield connection
            healthy = True
        finally:
            if healthy or not connection.in_transaction:
                idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def forget(self) -> None:
        """Put the connections aside, in a child that inherited them, and begin anew."""
        _inherited.extend((self._idle, self.write_lock))
        self._begin()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        # Damaged text must reach the reader of its record, which names it; sqlite3's own error
        # would quote it.
        connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        try:
            # A log lets readers and a writer go on together (https://sqlite.org/wal.html); FULL
            # makes every commit survive a loss of power.
            self._use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            schema.prepare(connection)
            take_turns(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch the file to a write-ahead log, once in its life.

        The switch does not wait for other processes as statements do: it fails at once. Where
        there is no shared memory it is refused, and the file keeps its rollback journal.
        """
        deadline = time.monotonic() + self._timeout
        while not _is_wal(connection) and os.access(self._path, os.W_OK):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.001, 0.02))
            else:
                return


def _is_wal(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _forget_all() -> None:
    for connections in _all:
        connections.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
