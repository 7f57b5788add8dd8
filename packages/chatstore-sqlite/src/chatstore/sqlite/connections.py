"""Connections to one file: one for each operation, none across a fork."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue

from chatstore.core.forks import ForkAware, watch
from chatstore.core.pools import PoolTimeoutError
from chatstore.sqlite import schema
from chatstore.sqlite.waiting import shorten_waits

_Identity = tuple[int, int] | None


class FileReplacedError(Exception):
    """The file was removed or replaced by another program while it was written."""


class Connection(sqlite3.Connection):
    """A connection that knows which files it has open.

    Attributes:
        file: Device and inode of the database.
        log: The same of its write-ahead log; ``None`` until one exists.

    """

    file: _Identity = None
    log: _Identity = None

    def leads_to(self, path: str) -> bool:
        """Whether the path still leads to the open file, and its log was not removed.

        What is written into a removed file is lost with it. The write-ahead log exists for as
        long as a connection is open, unless somebody removes it.
        """
        log = _identity(f"{path}-wal")
        if self.log is None:
            self.log = log
        return self.file == _identity(path) and self.log == log


class Connections(ForkAware):
    """Opens connections when they are needed and keeps them for the next operation.

    SQLite keeps the locks of a file per process. A child that inherits connections shares none of
    them and damages the file, so they are all closed before a fork:
    https://sqlite.org/howtocorrupt.html, section 2.6.
    """

    def __init__(self, path: str, timeout: float, size: int) -> None:
        """Remember the file; nothing is opened.

        Args:
            path: The file.
            timeout: Seconds to wait for other writers, and for a free connection.
            size: The most connections that are open at once.

        """
        self._path = path
        self._timeout = timeout
        self._size = size
        self._idle: list[Connection] = []
        self._is_closed = False
        self._make_locks()
        watch(self)

    def _make_locks(self) -> None:
        self._gate = _Gate()
        self._tokens: SimpleQueue[None] = SimpleQueue()
        for _ in range(self._size):
            self._tokens.put(None)
        # Threads wait here for their turn to write; SQLite's own lock is for processes.
        self.write_lock = threading.Lock()

    @contextmanager
    def borrow(self) -> Iterator[Connection]:
        """Provide a connection; one that an error left in a transaction is closed."""
        # The gate first: after a fork in the child, both are new.
        with self._gate.operation(), self._token(self._tokens):
            connection = self._acquire()
            is_reusable = False
            try:
                yield connection
                is_reusable = True
            finally:
                if self._is_closed or not (is_reusable or not connection.in_transaction):
                    connection.close()
                else:
                    self._idle.append(connection)

    def close(self) -> None:
        """Close idle connections now, the others when their operations end."""
        self._is_closed = True
        self._close_idle()

    # ------------------------------------------------------------------ forks

    def before_fork(self) -> None:
        """Let running operations end, hold new ones off, and close all connections."""
        self._gate.close()
        self._close_idle()

    def after_fork_in_parent(self) -> None:
        """Let operations begin again, on new connections."""
        self._gate.open()

    def after_fork_in_child(self) -> None:
        """Let operations begin, with locks that no thread of the parent holds."""
        self._make_locks()

    # ------------------------------------------------------------------ connections

    @contextmanager
    def _token(self, tokens: SimpleQueue[None]) -> Iterator[None]:
        try:
            tokens.get(timeout=self._timeout)
        except Empty:
            raise PoolTimeoutError from None
        try:
            yield
        finally:
            tokens.put(None)

    def _acquire(self) -> Connection:
        with suppress(IndexError):  # EAFP: checking first would race with other threads
            while True:
                connection = self._idle.pop()
                if connection.leads_to(self._path):
                    return connection
                connection.close()
        return self._open()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _open(self) -> Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
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
            shorten_waits(connection)
            connection.file = _identity(self._path)
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
                time.sleep(0.001 + secrets.randbelow(20) / 1000)
            else:
                return


class _Gate:
    """Counts operations, and can hold new ones off."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._running = 0
        self._is_open = True
        self._own = threading.local()

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Count an operation, once the gate is open."""
        with self._changed:
            while not self._is_open:
                self._changed.wait()
            self._running += 1
        self._own.running = self._mine() + 1
        try:
            yield
        finally:
            self._own.running -= 1
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Wait until no other thread runs an operation, and let none begin."""
        with self._changed:
            self._is_open = False
            while self._running > self._mine():
                self._changed.wait()

    def open(self) -> None:
        """Let operations begin."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def _mine(self) -> int:
        running: int = getattr(self._own, "running", 0)
        return running


def _is_wal(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path)  # noqa: PTH116 - in each call, and Path takes thrice the time
    except OSError:
        return None
    return status.st_dev, status.st_ino
