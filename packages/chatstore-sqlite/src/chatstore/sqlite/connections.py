"""``Connections``: a pool of connections to one file; all are closed before a fork."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue

from chatstore.core.backend import ForkAware, PoolTimeoutError, watch
from chatstore.sqlite.files import Connection, open_file
from chatstore.sqlite.settings import SQLiteSettings


class Connections(ForkAware):
    """Opens connections when needed and keeps them for later operations.

    SQLite's file locks belong to a process. A child that inherits connections does not have the
    locks and may damage the file, so all connections are closed before a fork:
    https://sqlite.org/howtocorrupt.html, section 2.6.

    Attributes:
        write_lock: Held by the thread that writes; SQLite's own lock is for processes.

    """

    def __init__(self, settings: SQLiteSettings) -> None:
        """Name the file; nothing is opened."""
        self._settings = settings
        self._idle: list[Connection] = []
        self._is_closed = False
        self._make_locks()
        watch(self)

    def _make_locks(self) -> None:
        # One token for each operation that may run.
        self._tokens: SimpleQueue[None] = SimpleQueue()
        self._replaced = self._tokens
        self._fill(self._tokens)
        self._thread = threading.local()
        self.write_lock = threading.Lock()

    def session(self, *, create: bool | None = None) -> _Acquired:
        """Acquire a connection for a ``with`` block.

        Args:
            create: Whether to create a missing file and missing tables; by default, the
                settings decide.

        Raises:
            PoolTimeoutError: All connections were in use for too long.
            StoreSetupError: The file or its tables are missing, and ``create`` is false.
            SchemaVersionError: A later version of this package created the tables.

        """
        return _Acquired(self, self._settings.create if create is None else create)

    def acquire(self, *, create: bool) -> tuple[Connection, SimpleQueue[None]]:
        """Return a connection and the queue of its token, for `release`; see `session`."""
        tokens = self._take_token()
        try:
            connection = self._pop_idle() or open_file(self._settings, create=create)
        except BaseException:
            tokens.put(None)
            raise
        self._thread.count = self._count_of_thread() + 1
        return connection, tokens

    def release(self, connection: Connection, tokens: SimpleQueue[None]) -> None:
        """Take a connection back; close it if an error left it in a transaction."""
        self._thread.count -= 1
        if self._is_closed or connection.in_transaction:
            connection.close()
        else:
            self._idle.append(connection)
        tokens.put(None)

    def close(self) -> None:
        """Close idle connections now, the others when their operations end."""
        self._is_closed = True
        self._close_idle()

    def _take_token(self) -> SimpleQueue[None]:
        while True:
            tokens = self._tokens
            try:
                tokens.get(timeout=self._settings.timeout)
            except Empty:
                raise PoolTimeoutError from None
            if tokens is self._tokens:
                return tokens
            # A fork replaced the queue: leave the token to others that still wait in the old one.
            tokens.put(None)

    def _fill(self, tokens: SimpleQueue[None]) -> None:
        for _ in range(self._settings.max_connections):
            tokens.put(None)

    def _count_of_thread(self) -> int:
        """Return the number of connections that this thread has acquired."""
        count: int = getattr(self._thread, "count", 0)
        return count

    def _pop_idle(self) -> Connection | None:
        with suppress(IndexError):  # EAFP: checking first would race with other threads
            while True:
                connection = self._idle.pop()
                if connection.is_current(self._settings.path):
                    return connection
                connection.close()
        return None

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    # ------------------------------------------------------------------ forks

    def before_fork(self) -> None:
        """Let running operations end, delay new ones, and close all connections."""
        self._replaced, self._tokens = self._tokens, SimpleQueue()
        for _ in range(self._settings.max_connections - self._count_of_thread()):
            self._replaced.get()
        self._close_idle()

    def after_fork_in_parent(self) -> None:
        """Let operations begin again, on new connections."""
        self._fill(self._tokens)
        self._fill(self._replaced)  # wakes operations that wait in it, see `_take_token`

    def after_fork_in_child(self) -> None:
        """Let operations begin, with locks that no thread of the parent holds."""
        self._make_locks()


class _Acquired:
    """The connection of a ``with`` block; a generator would cost each call more."""

    def __init__(self, connections: Connections, create: bool) -> None:
        self._connections = connections
        self._create = create

    def __enter__(self) -> Connection:
        self._connection, self._tokens = self._connections.acquire(create=self._create)
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connections.release(self._connection, self._tokens)
