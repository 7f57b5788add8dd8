"""The caller's SQLAlchemy engines: used, never closed.

Statements go through SQLAlchemy, whose events, isolation and pool are the caller's to arrange.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Health
from chatstore.postgres.errors import NotConnectedError, health_after
from chatstore.postgres.names import Rows, Sql

if TYPE_CHECKING:  # it loads SQLAlchemy's ORM, which a program without async calls never needs
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class EngineSession:
    """A connection of the caller's engine for psycopg."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection

    def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        with drivers_errors():
            result = self._connection.exec_driver_sql(sql.named, _named(parameters))
            return list(result.fetchall()) if result.returns_rows else []


class AsyncEngineSession:
    """A connection of the caller's engine for asyncpg."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Take a connection that commits each statement by itself."""
        self._connection = connection

    async def fetch(self, sql: Sql, *parameters: Any) -> Rows:
        """Execute a statement and return its rows."""
        with drivers_errors():
            result = await self._connection.exec_driver_sql(sql.numbered, parameters)
            return list(result.fetchall()) if result.returns_rows else []


def check_engines(engine: object, async_engine: object) -> None:
    """Check that each engine is of the right kind, before it is used.

    Raises:
        InvalidArgumentError: An engine is of another kind, or for another driver.

    """
    for name, value, is_async, other in (
        ("engine", engine, False, "async_engine"),
        ("async_engine", async_engine, True, "engine"),
    ):
        expected = (
            "an AsyncEngine of create_async_engine('postgresql+asyncpg://…')"
            if is_async
            else "an Engine of create_engine('postgresql+psycopg://…')"
        )
        if value is None:
            continue
        driver = "asyncpg" if is_async else "psycopg"
        kind, found = _kind_of(value)
        if (kind, found) == ("async" if is_async else "sync", driver):
            continue
        advice = ""
        if kind == ("sync" if is_async else "async"):
            advice = f"; pass it as {other}="
        with_driver = f" for {found}" if found else ""
        raise InvalidArgumentError(
            f"{name} must be {expected}, not {type(value).__name__}{with_driver}{advice}"
        )


def place_and_secrets(engine: Engine | None, async_engine: AsyncEngine | None) -> tuple[str, Any]:
    """Return where the engines lead to, and what messages must not hold."""
    inner = engine if engine is not None else async_engine.sync_engine if async_engine else None
    if inner is None:
        return "an unknown place", ()
    url = inner.url
    host = url.host or url.query.get("host") or "the address of the caller's engine"
    port = "" if url.port is None else f":{url.port}"
    database = "" if url.database is None else f"/{url.database}"
    engines = [one for one in (engine, async_engine) if one is not None]
    secrets = tuple(str(one.url.password) for one in engines if one.url.password)
    return f"{host if isinstance(host, str) else ','.join(host)}{port}{database}", secrets


def _kind_of(value: object) -> tuple[str, str]:
    """Return whether something is a sync or an async engine or neither, and its driver."""
    if isinstance(value, Engine):
        return ("async" if value.dialect.is_async else "sync"), value.dialect.driver
    inner = getattr(value, "sync_engine", None)  # without loading SQLAlchemy's asyncio
    return ("async", inner.dialect.driver) if isinstance(inner, Engine) else ("", "")


def lender(engine: Engine | None) -> Callable[[], AbstractContextManager[EngineSession]]:
    """Return what acquires sessions of an engine for psycopg.

    Raises:
        InvalidArgumentError: When it is first needed, there is no engine.

    """
    own = None if engine is None else engine.execution_options(isolation_level="AUTOCOMMIT")
    if own is not None:
        _discard_useless(own)

    @contextmanager
    def acquire() -> Iterator[EngineSession]:
        if own is None:
            raise InvalidArgumentError("this store has no engine for sync methods: give it engine=")
        is_made = False
        try:
            with drivers_errors(), own.connect() as connection:
                is_made = True
                try:
                    yield EngineSession(connection)
                except BaseException as error:
                    if not isinstance(error, Exception):
                        connection.invalidate()  # it may be inside a transaction
                    raise
        except Exception as error:
            if is_made:
                raise
            raise NotConnectedError(error) from error

    return acquire


def async_lender(
    engine: AsyncEngine | None,
) -> Callable[[], AbstractAsyncContextManager[AsyncEngineSession]]:
    """Return what acquires sessions of an engine for asyncpg; see `lender`."""
    own = None if engine is None else engine.execution_options(isolation_level="AUTOCOMMIT")
    if own is not None:
        _discard_useless(own.sync_engine)

    @asynccontextmanager
    async def acquire() -> AsyncIterator[AsyncEngineSession]:
        if own is None:
            raise InvalidArgumentError(
                "this store has no engine for async methods: give it async_engine="
            )
        is_made = False
        try:
            with drivers_errors():
                async with own.connect() as connection:
                    is_made = True
                    try:
                        yield AsyncEngineSession(connection)
                    except BaseException as error:
                        if not isinstance(error, Exception):
                            await connection.invalidate()  # it may be inside a transaction
                        raise
        except Exception as error:
            if is_made:
                raise
            raise NotConnectedError(error) from error

    return acquire


def _discard_useless(engine: Engine) -> None:
    """Have SQLAlchemy's pool discard connections that the server has made useless.

    The engine is another one on the caller's pool, so the caller's own calls are left alone.
    """

    @event.listens_for(engine, "handle_error")
    def judge(context: ExceptionContext) -> None:
        if context.connection is None:
            return
        health = health_after(_innermost(context.original_exception))
        if health is not Health.FINE:
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = health is Health.OUTDATED


def _named(parameters: tuple[Any, ...]) -> dict[str, Any]:
    return {f"p{place}": value for place, value in enumerate(parameters, 1)}


def _innermost(error: BaseException) -> BaseException:
    # SQLAlchemy's emulation of a driver's error has the driver's own as its cause.
    return error.__cause__ if isinstance(error.__cause__, Exception) else error


@contextmanager
def drivers_errors() -> Iterator[None]:
    """Let the driver's own error leave: SQLAlchemy's would quote statements and content."""
    try:
        yield
    except DBAPIError as error:
        original = error if error.orig is None else _innermost(error.orig)
    else:
        return
    raise original
