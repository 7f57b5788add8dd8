"""Connections of psycopg, for the sync methods."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus

from chatstore.core.backend import Health
from chatstore.postgres.client import BEGIN
from chatstore.postgres.errors import CallTimeoutError, NotConnectedError, health_after
from chatstore.postgres.sql.rendering import Rows, Sql
from chatstore.postgres.url import check_files

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    _Statement: TypeAlias = tuple[str, tuple[int, ...] | None]

_CHECK_SECONDS = 2.0
_FORMATS = (PyFormat.AUTO,) * 16  # no statement has more parameters
_SUCCESSES = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})


class AnswerTimeoutError(psycopg.OperationalError, CallTimeoutError):
    """The server did not answer a statement in time."""


class BoundedConnection(psycopg.Connection[Any]):
    """Waits at most ``call_timeout`` seconds: keepalive does not notice a server that hangs."""

    call_timeout = 30.0

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait for the server's answer.

        Raises:
            AnswerTimeoutError: There was no answer in time; the connection is closed.

        """
        bounded = _bounded(gen, time.monotonic() + self.call_timeout)
        try:
            return super().wait(bounded, *args, **kwargs)
        except AnswerTimeoutError:
            self.pgconn.finish()
            raise


def _bounded(gen: Any, deadline: float) -> Any:
    """Pass values between psycopg's waiting function and its generator, until the deadline."""
    try:
        request = next(gen)
        while True:
            ready = yield request
            if not ready and time.monotonic() > deadline:
                raise AnswerTimeoutError("the server did not answer in time")
            request = gen.send(ready)
    except StopIteration as stop:
        return stop.value
    finally:
        gen.close()


class PsycopgSession:
    """A connection of psycopg (a `chatstore.core.backend.Session`).

    Statements are sent through psycopg's wrapper of libpq: a cursor, which does more than is needed
    here, takes as long as the rest of an append in Python.
    """

    def __init__(self, connection: BoundedConnection) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._transformer = Transformer(connection)  # it caches how to convert each type
        # By text and types of parameters: how often it was used, or its name on the server.
        self._statements: dict[_Statement, int | bytes] = {}
        self._numbers = count()
        self._health = Health.FINE
        self.created_at = time.monotonic()

    @property
    def health(self) -> Health:
        """The connection's state after the last answer; ``OUTDATED`` if it closed without one."""
        if self._health is Health.FINE and self._connection.closed:
            return Health.OUTDATED
        return self._health

    @property
    def is_reusable(self) -> bool:
        """Whether no transaction is open and no statement is running."""
        return not self._pgconn.transaction_status  # 0 is idle

    def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """Execute a statement and return its rows."""
        try:
            return self._fetch(sql.numbered, parameters)
        except BaseException as error:
            self._health = health_after(error)
            raise

    def begin(self) -> None:
        """Begin a transaction, which the server ends if the next statement does not come."""
        try:
            self._connection.execute("; ".join(BEGIN).encode(), prepare=False)
        except BaseException as error:
            self._health = health_after(error)
            raise

    def _fetch(self, text: str, parameters: tuple[object, ...]) -> Rows:
        transformer = self._transformer
        values = transformer.dump_sequence(parameters, _FORMATS[: len(parameters)])
        types, formats = transformer.types, transformer.formats
        name = self._statements.get((text, types), 0)
        if not isinstance(name, bytes):
            name = self._prepare((text, types), name)
        if name:
            self._pgconn.send_query_prepared(name, values, formats)
        else:
            self._pgconn.send_query_params(text.encode(), values, types, formats)
        result = self._answer()
        if not result.nfields:
            return []
        transformer.set_pgresult(result)
        rows: Rows = transformer.load_rows(0, result.ntuples, tuple)
        transformer.set_pgresult(None)  # it would keep these messages until the next statement
        return rows

    def _prepare(self, statement: _Statement, uses: int) -> bytes:
        """Prepare a statement that is used often; return its name, or nothing."""
        threshold = self._connection.prepare_threshold
        if threshold is None or uses < threshold:
            self._statements[statement] = uses + 1
            return b""
        name = b"chatstore_%d" % next(self._numbers)
        text, types = statement
        self._pgconn.send_prepare(name, text.encode(), types)
        self._answer()
        self._statements[statement] = name
        return name

    def _answer(self) -> PGresult:
        """Wait for the result of what was sent."""
        result: PGresult = self._connection.wait(execute(self._pgconn))[0]
        if result.status not in _SUCCESSES:
            raise error_from_result(result, self._transformer.encoding)
        return result

    def is_alive(self) -> bool:
        """Send an empty statement, and wait for a short time."""
        connection = self._connection
        usual = connection.call_timeout
        connection.call_timeout = min(usual, _CHECK_SECONDS)
        try:
            connection.execute("", prepare=False)
        except Exception:  # noqa: BLE001 - after any error the connection is useless
            return False
        finally:
            connection.call_timeout = usual
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def connector(params: Mapping[str, str], timeout: float) -> Callable[[], PsycopgSession]:
    """Return a function that opens connections.

    Args:
        params: The address, as libpq's options.
        timeout: Seconds to wait for a connection and for each answer.

    """
    limit = int(params.get("connect_timeout") or 0)
    wait = min(timeout, limit) if limit > 0 else timeout
    arguments: dict[str, Any] = {
        "tcp_user_timeout": str(round(timeout * 1000)),
        **params,
        "connect_timeout": str(max(2, round(wait))),  # libpq's shortest
    }

    def connect() -> PsycopgSession:
        check_files(params)
        try:
            return PsycopgSession(_open(arguments, timeout))
        except Exception as error:
            raise NotConnectedError(error) from error

    return connect


def _open(arguments: dict[str, Any], timeout: float) -> BoundedConnection:
    """Open a connection that commits each statement by itself."""
    connection = BoundedConnection.connect(
        autocommit=True,
        **arguments,
    )
    connection.call_timeout = timeout
    try:
        row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
        if row is None or row[0] != connection.info.backend_pid:
            # A pooler is in between and gives each transaction another connection to the server,
            # which lacks the statements that were prepared before.
            connection.prepare_threshold = None
    except BaseException:
        connection.close()
        raise
    return connection
