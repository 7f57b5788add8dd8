"""A connection of psycopg that gives up when the server does not answer."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from chatstore.postgres.errors import CallTimeoutError


class AnswerTimeoutError(psycopg.OperationalError, CallTimeoutError):
    """The server did not answer a statement in time."""


class BoundedConnection(psycopg.Connection[Any]):
    """Waits for ``call_timeout`` seconds at most; keepalives do not notice a server that hangs."""

    call_timeout = 30.0

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait for the server's answer.

        Raises:
            AnswerTimeoutError: There was none in time; the connection is closed.

        """
        bounded = _bounded(gen, time.monotonic() + self.call_timeout)
        try:
            return super().wait(bounded, *args, **kwargs)
        except AnswerTimeoutError:
            self.pgconn.finish()
            raise


def _bounded(gen: Any, deadline: float) -> Any:
    """Pass what psycopg's waiting and its generator tell each other, until the deadline."""
    try:
        wish = next(gen)
        while True:
            ready = yield wish
            if not ready and time.monotonic() > deadline:
                message = "the server did not answer in time"
                raise AnswerTimeoutError(message)
            wish = gen.send(ready)
    except StopIteration as stop:
        return stop.value
    finally:
        gen.close()


def connect(dsn: str, timeout: float) -> BoundedConnection:
    """Open a connection that commits each statement by itself."""
    connection = BoundedConnection.connect(
        dsn,
        autocommit=True,
        cursor_factory=psycopg.RawCursor,  # it has $1 as the server has it: nothing to convert
        connect_timeout=max(2, round(timeout)),
        client_encoding="utf8",
    )
    connection.call_timeout = timeout
    try:
        row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
        if row is None or row[0] != connection.info.backend_pid:
            # A pooler stands between, and lends a server's connection for one transaction:
            # a prepared statement would be left behind, or be another client's.
            connection.prepare_threshold = None
    except BaseException:
        connection.close()
        raise
    return connection
