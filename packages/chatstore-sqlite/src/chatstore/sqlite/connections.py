"""Connections to one file: one for each operation, none across a fork."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import time
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from chatstore.core.backend import ForkAware, PoolTimeoutError, watch
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
        token_from: Where its operation took a token, and puts it back.

    """

    token_from: SimpleQueue[None]

    file: _Identity = None
    log: _Identity = None

    def leads_to(self, path: str) -> bool:
        """Whether the path still leads to the open file, and its log was not removed.

        What is written into a removed file is lost with it. The write-ahead log exists for as
        long as a connection is open, unless somebody removes it.
        """
        log = _identity(path + "-wal")
        if self.log is None:
            self.log = log
        return self.log == log and self.is_at(path)

    def is_at(self, path: str) -> bool:
        """Whether the path still leads to the open file."""
        return self.file == _identity(path)


class Connections(ForkAware):
    """Opens connections when they are needed and keeps them for the next operation.

    SQLite keeps the locks of a file per process. A child that inherits connections shares none of
    them and damages the file, so they are all closed before a fork:
    https://sqlite.org/howtocorrupt.html, section 2.6.
    """

    def __init__(self, path: str, timeout: float, size: int, *, durable: bool = True) -> None:
        """Remember the file; nothing is opened.

        Args:
            path: The file.
            timeout: Seconds to wait for other writers, and for a free connection.
            size: The most connections that are open at once.
            durable: Whether a commit waits for the disk.

        """
        self._durable = durable
        self._path = path
        self._timeout = timeout
        self._size = size
        self._idle: list[Connection] = []
        self._is_closed = False
        self._make_locks()
        watch(self)

    def _make_locks(self) -> None:
        # A token for each operation that may run.
        self._tokens: SimpleQueue[None] = SimpleQueue()
        self._replaced = self._tokens
        self._fill(self._tokens)
        self._own = threading.local()
        # Threads wait here for their turn to write; SQLite's own lock is for processes.
        self.write_lock = threading.Lock()

    def borrow(self) -> _Borrowed:
        """Provide a connection to a ``with`` block.

        Raises:
            PoolTimeoutError: All connections were in use for ``timeout`` seconds.

        """
        return _Borrowed(self)

    def acquire(self) -> Connection:
        """Return a connection, which must be released; see `borrow`."""
        tokens = self._take_token()
        try:
            connection = self._reused() or self._open()
        except BaseException:
            tokens.put(None)
            raise
        connection.token_from = tokens
        self._own.count = self._count_of_thread() + 1
        return connection

    def release(self, connection: Connection) -> None:
        """Take a connection back; one that an error left in a transaction is closed."""
        self._own.count -= 1
        tokens = connection.token_from
        if self._is_closed or connection.in_transaction:
            connection.close()
        else:
            self._idle.append(connection)
        tokens.put(None)

    def _take_token(self) -> SimpleQueue[None]:
        while True:
            tokens = self._tokens
            try:
                tokens.get(timeout=self._timeout)
            except Empty:
                raise PoolTimeoutError from None
            if tokens is self._tokens:
                return tokens
            # A fork replaced the queue: leave the token for others that still wait in the old one.
            tokens.put(None)

    def _fill(self, tokens: SimpleQueue[None]) -> None:
        for _ in range(self._size):
            tokens.put(None)

    def _count_of_thread(self) -> int:
        """Return how many operations this thread is in."""
        count: int = getattr(self._own, "count", 0)
        return count

    def close(self) -> None:
        """Close idle connections now, the others when their operations end."""
        self._is_closed = True
        self._close_idle()

    # ------------------------------------------------------------------ forks

    def before_fork(self) -> None:
        """Let running operations end, hold new ones off, and close all connections."""
        self._replaced, self._tokens = self._tokens, SimpleQueue()
        for _ in range(self._size - self._count_of_thread()):
            self._replaced.get()
        self._close_idle()

    def after_fork_in_parent(self) -> None:
        """Let operations begin again, on new connections."""
        self._fill(self._tokens)
        self._fill(self._replaced)  # wakes operations that wait in it, see `_take_token`

    def after_fork_in_child(self) -> None:
        """Let operations begin, with locks that no thread of the parent holds."""
        self._make_locks()

    # ------------------------------------------------------------------ connections

    def _reused(self) -> Connection | None:
        with suppress(IndexError):  # EAFP: checking first would race with other threads
            while True:
                connection = self._idle.pop()
                if connection.leads_to(self._path):
                    return connection
                connection.close()
        return None

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
            # A log lets readers and a writer go on together (https://sqlite.org/wal.html). FULL
            # makes every commit survive a loss of power, NORMAL only checkpoints of the log.
            self._use_wal(connection)
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
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


class _Borrowed:
    """The connection of a ``with`` block; a generator would cost each call more."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def __enter__(self) -> Connection:
        self._connection = self._connections.acquire()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connections.release(self._connection)


def _is_wal(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path)  # noqa: PTH116 - in each call, and Path takes thrice the time
    except OSError:
        return None
    return status.st_dev, status.st_ino
