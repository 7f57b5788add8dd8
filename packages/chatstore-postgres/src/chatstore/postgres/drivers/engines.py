"""The caller's SQLAlchemy engines: used, never closed.

Statements go through SQLAlchemy, so that the caller's events and pool apply.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Health
from chatstore.postgres.client import BEGIN, AsyncClient, SyncClient
from chatstore.postgres.errors import NotConnectedError, health_after
from chatstore.postgres.sql.rendering import Rows, Sql

if TYPE_CHECKING:  # it loads SQLAlchemy's ORM, which sync programs do not need
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class EngineClients:
    """Clients that use the caller's engines.

    Attributes:
        address: Where the engines lead to, for messages.
        secrets: Text that messages must not contain.

    """

    def __init__(self, client: object, async_client: object) -> None:
        """Check the engines; nothing is opened.

        Raises:
            InvalidArgumentError: An engine is of another kind, or for another driver.

        """
        engine, async_engine = _check_engine(client), _check_async_engine(async_client)
        inner = [engine, None if async_engine is None else async_engine.sync_engine]
        engines = [item for item in inner if item is not None]
        self.address = _address_of(engines[0])
        self.secrets = tuple(str(item.url.password) for item in engines if item.url.password)
        self.sync_client = SyncClient(_EngineSessions(engine).acquire)
        self.async_client = AsyncClient(_AsyncEngineSessions(async_engine).acquire)

    def close(self) -> None:
        """Leave the engines open: they are the caller's."""

    async def async_close(self) -> None:
        """Leave the engines open."""


class EngineSession:
    """A connection of the caller's engine for psycopg."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection

    def begin(self) -> None:
        """Begin a transaction, which the server ends if the next statement does not come."""
        for statement in BEGIN:
            self.fetch(Sql(statement, statement))

    def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """Execute a statement and return its rows."""
        named = {f"p{number}": value for number, value in enumerate(parameters, 1)}
        with _driver_errors():
            result = self._connection.exec_driver_sql(sql.named, named)
            return list(result.fetchall()) if result.returns_rows else []


class AsyncEngineSession:
    """A connection of the caller's engine for asyncpg."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection

    async def begin(self) -> None:
        """Begin a transaction, which the server ends if the next statement does not come."""
        for statement in BEGIN:
            await self.fetch(Sql(statement, statement))

    async def fetch(self, sql: Sql, *parameters: object) -> Rows:
        """Execute a statement and return its rows."""
        with _driver_errors():
            result = await self._connection.exec_driver_sql(sql.numbered, parameters)
            return list(result.fetchall()) if result.returns_rows else []


class _EngineSessions:
    """Acquires connections of an engine for psycopg."""

    def __init__(self, engine: Engine | None) -> None:
        self._engine = _with_autocommit(engine)

    @contextmanager
    def acquire(self) -> Iterator[EngineSession]:
        if self._engine is None:
            raise InvalidArgumentError("this store has no engine for sync methods: pass client=")
        is_connected = False
        try:
            with _driver_errors(), self._engine.connect() as connection:
                is_connected = True
                try:
                    yield EngineSession(connection)
                except BaseException as error:
                    if not isinstance(error, Exception):
                        connection.invalidate()  # a transaction may be open
                    raise
        except Exception as error:
            if is_connected:
                raise
            raise NotConnectedError(error) from error


class _AsyncEngineSessions:
    """Acquires connections of an engine for asyncpg."""

    def __init__(self, engine: AsyncEngine | None) -> None:
        self._engine = (
            None if engine is None else engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        if self._engine is not None:
            _discard_useless(self._engine.sync_engine)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[AsyncEngineSession]:
        if self._engine is None:
            raise InvalidArgumentError(
                "this store has no engine for async methods: pass async_client="
            )
        is_connected = False
        try:
            with _driver_errors():
                async with self._engine.connect() as connection:
                    is_connected = True
                    try:
                        yield AsyncEngineSession(connection)
                    except BaseException as error:
                        if not isinstance(error, Exception):
                            await connection.invalidate()  # a transaction may be open
                        raise
        except Exception as error:
            if is_connected:
                raise
            raise NotConnectedError(error) from error


def _with_autocommit(engine: Engine | None) -> Engine | None:
    if engine is None:
        return None
    copy = engine.execution_options(isolation_level="AUTOCOMMIT")
    _discard_useless(copy)
    return copy


def _discard_useless(engine: Engine) -> None:
    """Have SQLAlchemy's pool discard connections that the server has made useless.

    The engine is a copy on the caller's pool, so the caller's own calls are not affected.
    """

    @event.listens_for(engine, "handle_error")
    def judge(context: ExceptionContext) -> None:
        if context.connection is None:
            return
        health = health_after(_innermost(context.original_exception))
        if health is not Health.FINE:
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = health is Health.OUTDATED


class _Kind(NamedTuple):
    """What an argument is: an engine's mode, if it is an engine, and its driver."""

    mode: str = ""
    driver: str = ""


def _check_engine(value: object) -> Engine | None:
    if value is None or (isinstance(value, Engine) and _kind_of(value) == ("sync", "psycopg")):
        return value
    raise InvalidArgumentError(
        "client must be an Engine of create_engine('postgresql+psycopg://…'), not "
        f"{_described(value)}{_other_option(value, 'async', 'async_client')}"
    )


def _check_async_engine(value: Any) -> AsyncEngine | None:
    if value is None or _kind_of(value) == ("async", "asyncpg"):
        engine: AsyncEngine | None = value
        return engine
    raise InvalidArgumentError(
        "async_client must be an AsyncEngine of create_async_engine('postgresql+asyncpg://…'), "
        f"not {_described(value)}{_other_option(value, 'sync', 'client')}"
    )


def _described(value: object) -> str:
    driver = _kind_of(value).driver
    return f"{type(value).__name__} for {driver}" if driver else type(value).__name__


def _other_option(value: object, mode: str, option: str) -> str:
    return f"; pass it as {option}=" if _kind_of(value).mode == mode else ""


def _kind_of(value: object) -> _Kind:
    if isinstance(value, Engine):
        return _Kind("async" if value.dialect.is_async else "sync", value.dialect.driver)
    inner = getattr(value, "sync_engine", None)  # without loading SQLAlchemy's asyncio
    return _Kind("async", inner.dialect.driver) if isinstance(inner, Engine) else _Kind()


def _address_of(engine: Engine) -> str:
    url = engine.url
    host = url.host or url.query.get("host") or "the address of the caller's engine"
    port = "" if url.port is None else f":{url.port}"
    database = "" if url.database is None else f"/{url.database}"
    return f"{host if isinstance(host, str) else ','.join(host)}{port}{database}"


def _innermost(error: BaseException) -> BaseException:
    # SQLAlchemy's emulation of a driver's error has the driver's own as its cause.
    return error.__cause__ if isinstance(error.__cause__, Exception) else error


@contextmanager
def _driver_errors() -> Iterator[None]:
    """Raise the driver's own error: SQLAlchemy's would quote statements and content."""
    try:
        yield
    except DBAPIError as error:
        original = error if error.orig is None else _innermost(error.orig)
    else:
        return
    raise original
