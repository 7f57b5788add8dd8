"""The caller's engines: used, never closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from chatstore.core import InvalidArgumentError
from chatstore.postgres.callers import AsyncCallersSession, CallersSession, drivers_errors

if TYPE_CHECKING:  # it loads SQLAlchemy's ORM, which a program without async calls never needs
    from sqlalchemy.ext.asyncio import AsyncEngine


def lender(engine: Engine | None) -> Callable[[], AbstractContextManager[CallersSession]]:
    """Return what lends sessions of an engine for psycopg.

    Raises:
        InvalidArgumentError: It is none; or, when it is first needed, there is none.

    """
    if engine is not None and (
        not isinstance(engine, Engine) or engine.dialect.driver != "psycopg"
    ):
        message = "engine must be SQLAlchemy's Engine for postgresql+psycopg"
        raise InvalidArgumentError(message)
    # Another engine on the same pool, which leaves the caller's transactions as they are.
    own = None if engine is None else engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def lend() -> Iterator[CallersSession]:
        if own is None:
            message = "this store has no engine for plain methods: give it engine="
            raise InvalidArgumentError(message)
        with drivers_errors(), own.connect() as connection:
            try:
                yield CallersSession(connection)
            except BaseException as error:
                if not isinstance(error, Exception):
                    connection.invalidate()  # it may stand inside a transaction
                raise

    return lend


def async_lender(
    engine: AsyncEngine | None,
) -> Callable[[], AbstractAsyncContextManager[AsyncCallersSession]]:
    """Return what lends sessions of an engine for asyncpg; see `lender`."""
    if engine is not None and not _is_asyncs(engine):
        message = "async_engine must be SQLAlchemy's AsyncEngine for postgresql+asyncpg"
        raise InvalidArgumentError(message)
    own = None if engine is None else engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def lend() -> AsyncIterator[AsyncCallersSession]:
        if own is None:
            message = "this store has no engine for async methods: give it async_engine="
            raise InvalidArgumentError(message)
        with drivers_errors():
            async with own.connect() as connection:
                try:
                    yield AsyncCallersSession(connection)
                except BaseException as error:
                    if not isinstance(error, Exception):
                        await connection.invalidate()  # it may stand inside a transaction
                    raise

    return lend


def _is_asyncs(engine: object) -> bool:
    from sqlalchemy.ext.asyncio import AsyncEngine  # noqa: PLC0415 - loaded by who made one

    return isinstance(engine, AsyncEngine) and engine.dialect.driver == "asyncpg"
