"""Open the file, and detect that another program removed or replaced it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from chatstore.core import StoreSetupError
from chatstore.sqlite import migrations
from chatstore.sqlite.settings import SQLiteSettings
from chatstore.sqlite.waiting import shorten_waits, until_free

T = TypeVar("T")
_Identity = tuple[int, int] | None
# The pages of a large write that do not fit are written twice. Memory is allocated when it is used.
_CACHE_KIB = 16_000


class FileReplacedError(Exception):
    """Another program removed or replaced the file while it was written."""


class Connection(sqlite3.Connection):
    """A connection that knows the identity of its open files.

    Attributes:
        file: Device and inode of the database.
        log: Device and inode of its write-ahead log; ``None`` until the log exists.

    """

    file: _Identity = None
    log: _Identity = None

    def is_current(self, path: str) -> bool:
        """Return whether the path still names the open file, and its log still exists.

        Data written into a removed file is lost. The write-ahead log exists for as long as a
        connection is open, unless another program removes it.
        """
        log = _identity(path + "-wal")
        if self.log is None:
            self.log = log
        return self.log == log and self.is_at(path)

    def is_at(self, path: str) -> bool:
        """Return whether the path still names the open file."""
        return self.file == _identity(path)


def open_file(settings: SQLiteSettings, *, create: bool) -> Connection:
    """Open the file of a store.

    Args:
        settings: The options of the store.
        create: Whether to create a missing file and missing tables.

    Raises:
        StoreSetupError: The file or its tables are missing, and ``create`` is false.
        SchemaVersionError: A later version of this package created the tables.

    """
    connection = _connect(settings, create=create)
    try:
        if not create:
            migrations.check(connection, settings.path)  # before the file is changed
        # With a log, readers and a writer do not block each other (https://sqlite.org/wal.html).
        # With FULL, a loss of power undoes nothing; with NORMAL, commits since the last checkpoint.
        use_wal(connection, settings)
        connection.execute(f"PRAGMA synchronous = {'FULL' if settings.durable else 'NORMAL'}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if create:
            migrations.migrate(connection, settings.path)
        shorten_waits(connection)
        connection.file = _identity(settings.path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(settings: SQLiteSettings, *, create: bool) -> Connection:
    path = settings.path
    try:
        return sqlite3.connect(
            path if create else f"{Path(path).as_uri()}?mode=rw",
            timeout=settings.timeout,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
            uri=not create,
        )
    except sqlite3.OperationalError:
        if create or not _is_missing(path):
            raise
        raise StoreSetupError(
            f"{path}: the file does not exist and this store does not create it (create=False): "
            "call setup(), or check the path"
        ) from None


def tolerate_damage(connection: sqlite3.Connection, transaction: Callable[[], T]) -> T:
    """Run a transaction; if it reads text that is not UTF-8, run it again with surrogates in it.

    The reader of a record reports such text; an error of sqlite3 would quote it. A function that
    decodes text takes a fifth of a long read's time in SQLite, so it is only used then.
    """
    try:
        return transaction()
    except sqlite3.OperationalError as error:
        if not str(error).startswith("Could not decode"):
            raise
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        return transaction()
    finally:
        connection.text_factory = str


def use_wal(connection: sqlite3.Connection, settings: SQLiteSettings) -> None:
    """Switch the file to a write-ahead log, unless it has one.

    Unlike other statements, the switch fails at once if another process uses the file. Without
    shared memory it has no effect, and the file keeps its rollback journal.
    """

    def switch() -> None:
        if not _is_wal(connection) and os.access(settings.path, os.W_OK):
            connection.execute("PRAGMA journal_mode = WAL")

    until_free(switch, settings.timeout, longest_pause=0.02)


def _is_wal(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _is_missing(path: str) -> bool:
    """Return whether the folder exists and the file does not."""
    try:
        os.stat(path)  # noqa: PTH116 - unlike Path.exists, it raises other errors
    except FileNotFoundError:
        return Path(path).parent.is_dir()
    except OSError:
        return False
    return False


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path)  # noqa: PTH116 - Path takes three times as long, in each call
    except OSError:
        return None
    return status.st_dev, status.st_ino
