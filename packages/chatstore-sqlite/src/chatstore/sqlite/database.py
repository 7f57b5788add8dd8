"""``Database``: runs transactions on connections to one file; the client of plans."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from chatstore.core import StoreUnavailableError
from chatstore.sqlite import migrations
from chatstore.sqlite.connections import Connections
from chatstore.sqlite.files import FileReplacedError, tolerate_damage
from chatstore.sqlite.settings import SQLiteSettings
from chatstore.sqlite.waiting import acquire, until_free

T = TypeVar("T")


class Database:
    """The file of a store.

    Attributes:
        connections: The connections to it.

    """

    def __init__(self, settings: SQLiteSettings) -> None:
        """Name the file; nothing is opened."""
        self.connections = Connections(settings)
        self._path = settings.path
        self._timeout = settings.timeout

    def read(self, transaction: Callable[[sqlite3.Connection], T]) -> T:
        """Run a transaction that sees the file as it is at one moment."""
        with self.connections.session() as connection:
            return until_free(
                lambda: tolerate_damage(connection, lambda: _read(connection, transaction)),
                self._timeout,
            )

    def write(self, transaction: Callable[[sqlite3.Connection], T]) -> T:
        """Run a transaction that takes effect as a whole or not at all.

        Raises:
            StoreUnavailableError: Other threads of this store wrote for too long.
            FileReplacedError: Another program removed or replaced the file meanwhile.

        """
        with self.connections.session() as connection:
            self._wait_for_other_threads()
            try:
                result = tolerate_damage(connection, lambda: self._write(connection, transaction))
            finally:
                self.connections.write_lock.release()
            if not connection.is_at(self._path):
                raise FileReplacedError
            return result

    def setup(self) -> None:
        """Create the file and its tables, or update tables of an earlier version."""
        with self.connections.session(create=True) as connection:
            migrations.migrate(connection, self._path)

    def _wait_for_other_threads(self) -> None:
        if not acquire(self.connections.write_lock, self._timeout):
            raise StoreUnavailableError(
                f"{self._path}: other threads of this program wrote for {self._timeout} seconds; "
                "try again, or raise timeout"
            )

    def _write(
        self, connection: sqlite3.Connection, transaction: Callable[[sqlite3.Connection], T]
    ) -> T:
        until_free(lambda: connection.execute("BEGIN IMMEDIATE"), self._timeout)
        try:
            result = transaction(connection)
            until_free(lambda: connection.execute("COMMIT"), self._timeout)
        except BaseException:
            connection.rollback()
            raise
        return result


def _read(connection: sqlite3.Connection, transaction: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return transaction(connection)
    finally:
        connection.rollback()
