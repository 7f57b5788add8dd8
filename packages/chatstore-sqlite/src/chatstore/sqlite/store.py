"""``SQLiteChatStore``: conversations in one file, for any number of processes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from typing_extensions import Self

from chatstore.core import ChatStoreError, InvalidArgumentError, StoreUnavailableError
from chatstore.core.backend import (
    Existing,
    KeyPage,
    Page,
    Plan,
    Record,
    StoredRecord,
    ThreadedChatStore,
    call,
    check_max_connections,
    check_timeout,
    check_ttl,
    flag,
)
from chatstore.core.urls import url_options
from chatstore.sqlite import transactions
from chatstore.sqlite.connections import Connection, Connections, FileReplacedError
from chatstore.sqlite.errors import translate
from chatstore.sqlite.waiting import acquire, until_free

T = TypeVar("T")
_ALL = -1  # SQLite's LIMIT for no limit


class SQLiteChatStore(ThreadedChatStore):
    """Keeps conversations in an SQLite file.

    Every call is one transaction, durable when it returns. Threads and processes share the file;
    it may hold other tables, which are not touched. The async methods run on threads of the
    store's own.
    """

    max_message_bytes = 256 * 1024 * 1024

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        ttl: float | None = None,
        timeout: float = 30.0,
        max_connections: int = 16,
        durable: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Name the file; it is opened, and made where it is missing, by the first call.

        Args:
            path: The file, in a folder that exists.
            ttl: Seconds after its last write after which a conversation is gone.
            timeout: Seconds to wait for other writers, and for a free connection, before
                `StoreUnavailableError`.
            max_connections: The most connections that the store has open, and the most threads
                that its async methods use.
            durable: Whether each call waits until the disk has what it wrote. Without, calls
                still take effect as a whole and survive the end of the program, but a loss of
                power may undo the newest of them: for imports, tests and caches.
            clock: Returns the time in seconds since 1970; decides what has expired.

        Raises:
            InvalidArgumentError: The path is empty or ``:memory:``, or a number is out of range.

        """
        super().__init__()
        if not isinstance(path, (str, os.PathLike)) or str(path) in {"", ":memory:"}:
            raise InvalidArgumentError(
                "SQLiteChatStore needs a file; SimpleChatStore() keeps things in memory"
            )
        self._path = str(Path(path).absolute())
        self._ttl = check_ttl(ttl)
        self._timeout = check_timeout(timeout)
        self.max_threads = check_max_connections(max_connections)
        self._clock = clock
        self._connections = Connections(
            self._path, self._timeout, self.max_threads, durable=durable
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open ``sqlite:///relative.db`` or ``sqlite:////absolute.db``.

        Options: ``?ttl=``, ``timeout=`` (seconds), ``max_connections=``, ``durable=false``.

        Raises:
            InvalidArgumentError: The URL has no path, or an option is unknown or out of range.

        """
        path, options = url_options(
            url, ttl=float, timeout=float, max_connections=int, durable=flag
        )
        return cls(path.removeprefix("/"), **options)

    @property
    def server(self) -> str:
        """The file."""
        return f"SQLite file {self._path}"

    def purge_expired(self) -> None:
        """Reclaim the storage of all expired conversations; writes do it a little at a time."""
        while self._run(self._write(self._purge), "purge_expired"):
            pass

    async def async_purge_expired(self) -> None:
        """Like `purge_expired`, but awaitable."""
        while await self._async_run(self._write(self._purge), "purge_expired"):
            pass

    # ------------------------------------------------------------------ drivers

    def _borrow(self) -> AbstractContextManager[Any]:
        return self._connections.borrow()

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._path)

    def _close(self) -> None:
        self._stop_threads()
        self._connections.close()

    async def _async_close(self) -> None:
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        await asyncio.to_thread(self._close)

    def _read(self, transaction: Callable[[sqlite3.Connection], T]) -> Plan[T]:
        """Run a transaction that sees one moment."""

        def attempt(db: sqlite3.Connection) -> T:
            db.execute("BEGIN")
            try:
                return transaction(db)
            finally:
                db.rollback()

        return (yield from call(lambda db: until_free(lambda: attempt(db), self._timeout)))

    def _write(self, transaction: Callable[[sqlite3.Connection], T]) -> Plan[T]:
        """Run a transaction that takes effect as a whole or not at all."""

        def step(db: Connection) -> T:
            with self._queue(), _committed(db, self._timeout):
                result = transaction(db)
            if not db.is_at(self._path):
                raise FileReplacedError
            return result

        return (yield from call(step))

    @contextmanager
    def _queue(self) -> Iterator[None]:
        """Wait for the other writing threads of this store."""
        lock = self._connections.write_lock
        if not acquire(lock, self._timeout):
            raise StoreUnavailableError(
                f"{self._path}: other threads of this program wrote for {self._timeout} seconds; "
                "try again, or raise timeout"
            )
        try:
            yield
        finally:
            lock.release()

    def _change(self, change: Callable[[sqlite3.Connection, float, float | None], T]) -> Plan[T]:
        """Write with the time and the new expiry, and reclaim a little of what expired."""

        def transaction(db: sqlite3.Connection) -> T:
            now = self._clock()
            result = change(db, now, None if self._ttl is None else now + self._ttl)
            transactions.purge(db, now, transactions.PURGED_AT_ONCE)
            return result

        return (yield from self._write(transaction))

    def _purge(self, db: sqlite3.Connection) -> bool:
        return transactions.purge(db, self._clock(), 10 * transactions.PURGED_AT_ONCE)

    # ------------------------------------------------------------------ hooks

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        return self._change(
            lambda db, now, expiry: transactions.append(db, key, records, now, expiry)
        )

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        return self._change(
            lambda db, now, expiry: transactions.insert(db, key, index, record, now, expiry)
        )

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        return self._change(
            lambda db, now, expiry: transactions.replace(db, key, records, now, expiry)
        )

    def _delete(self, key: str) -> Plan[None]:
        return self._write(lambda db: transactions.delete(db, key))

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        return self._change(
            lambda db, now, expiry: transactions.remove(db, key, index, now, expiry, force=force)
        )

    def _count(self, key: str) -> Plan[int]:
        def count(db: sqlite3.Connection) -> int:
            head = transactions.find(db, key, self._clock())
            return 0 if head is None else head.length

        return self._read(count)

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        most = _ALL if limit is None else limit
        return self._read(
            lambda db: transactions.read_newest(db, key, most, before, leading, self._clock())
        )

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        return self._read(lambda db: transactions.read_oldest(db, key, limit, after, self._clock()))

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        return self._read(
            lambda db: transactions.list_keys(db, prefix, limit, cursor, self._clock())
        )


@contextmanager
def _committed(db: sqlite3.Connection, timeout: float) -> Iterator[None]:
    until_free(lambda: db.execute("BEGIN IMMEDIATE"), timeout)
    try:
        yield
        until_free(lambda: db.execute("COMMIT"), timeout)
    except BaseException:
        db.rollback()
        raise
