"""``PostgresChatStore``: conversations in a Postgres database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import Self

from chatstore.core import ChatStore, ChatStoreError, InvalidArgumentError
from chatstore.core.backend import (
    Existing,
    KeyPage,
    Page,
    Plan,
    Record,
    StoredRecord,
    async_run,
    check_max_connections,
    check_patience,
    check_timeout,
    check_ttl,
    run,
)
from chatstore.postgres import address, operations, rights, schema
from chatstore.postgres.calls import Calls
from chatstore.postgres.clients import AsyncClient, SyncClient
from chatstore.postgres.errors import ErrorReader
from chatstore.postgres.names import Names
from chatstore.postgres.pools import Pools

if TYPE_CHECKING:  # a program that brings no engine never loads SQLAlchemy
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")
_PURGED_AT_ONCE = 5000  # messages in one statement
_DEFAULTS: dict[str, Any] = {
    "table_name": "chatstore",
    "schema_name": None,
    "ttl": None,
    "create_tables": True,
    "max_connections": 10,
    "timeout": 30.0,
    "patience": 10.0,
}


class PostgresChatStore(ChatStore):
    """Keeps conversations in Postgres.

    A call is one statement; only what is too large for one is a transaction of several. A call
    that was cut off is sent again and takes effect once.
    """

    max_message_bytes = 128 * 1024 * 1024

    def __init__(
        self,
        uri: str | None = None,
        *,
        engine: Engine | None = None,
        async_engine: AsyncEngine | None = None,
        table_name: str | None = None,
        schema_name: str | None = None,
        ttl: float | None = None,
        create_tables: bool | None = None,
        max_connections: int | None = None,
        timeout: float | None = None,
        patience: float | None = None,
    ) -> None:
        """Name the database; the first call connects.

        All options but the engines may be in the query of the URL instead (``?ttl=3600``). One that
        is given here goes before the URL's; ``None`` leaves it to the URL, and then to its default.

        Args:
            uri: ``postgresql://user:password@host/database``, or engines instead; the schemes
                ``postgres``, ``postgresql+asyncpg`` and ``postgresql+psycopg`` mean the same. The
                query may hold what Postgres's own URLs hold (``sslmode``, ``host``, several hosts).
            engine: The caller's engine for the sync methods, with psycopg; it is never closed.
            async_engine: The caller's engine for the async methods, with asyncpg; it is never
                closed, and serves the loops that SQLAlchemy lets it serve: one.
            table_name: What the names of the tables begin with, at most 49 bytes; by default
                ``chatstore``.
            schema_name: The schema of the tables; by default the first of the search path.
            ttl: Seconds after its last write after which a conversation is gone, by the server's
                clock; by default it stays.
            create_tables: Let the first call make the tables where they are missing; the default.
            max_connections: The most connections for threads, and as many for each event loop; by
                default 10. A caller's engines have their own limits.
            timeout: Seconds to wait for a connection and for an answer; by default 30. A caller's
                engines have their own timeouts.
            patience: Seconds for which a call is sent again when the server is down, restarts or
                has become read-only; by default 10; 0: never. A server that was never reached is
                tried for one second.

        Raises:
            InvalidArgumentError: An argument cannot be used.

        """
        has_engines = engine is not None or async_engine is not None
        if has_engines == (uri is not None):
            raise InvalidArgumentError(
                "PostgresChatStore needs a uri, or an engine, an async_engine or both"
            )
        where = None if uri is None else address.parse(uri)
        given = {
            "table_name": table_name,
            "schema_name": schema_name,
            "ttl": ttl,
            "create_tables": create_tables,
            "max_connections": max_connections,
            "timeout": timeout,
            "patience": patience,
        }
        options = {name: value for name, value in given.items() if value is not None}
        options = {**_DEFAULTS, **({} if where is None else where.options), **options}
        wait = check_timeout(options["timeout"])
        size = check_max_connections(options["max_connections"])
        self._pools: Pools | None = None
        if where is not None:
            errors = ErrorReader(where.place, where.secrets, wait)
            self._pools = Pools(where, wait, size)
            self._client = SyncClient(self._pools.sync.session)
            self._async_client = AsyncClient(self._pools.async_session)
        else:
            from chatstore.postgres.drivers import engines  # noqa: PLC0415 - it loads SQLAlchemy

            engines.check_engines(engine, async_engine)
            errors = ErrorReader(*engines.place_and_secrets(engine, async_engine), None)
            self._client = SyncClient(engines.lender(engine))
            self._async_client = AsyncClient(engines.async_lender(async_engine))
        self._calls = Calls(
            Names(options["table_name"], options["schema_name"]),
            errors,
            check_ttl(options["ttl"]),
            check_patience(options["patience"]),
            creates_tables=_check_flag(options["create_tables"], "create_tables"),
        )

    @property
    def server(self) -> str:
        """Where conversations are kept, without secrets: for messages and logs."""
        return f"Postgres at {self._calls.errors.place}"

    @classmethod
    def from_uri(
        cls,
        uri: str,
        *,
        table_name: str | None = None,
        schema_name: str | None = None,
        ttl: float | None = None,
        create_tables: bool | None = None,
        max_connections: int | None = None,
        timeout: float | None = None,
        patience: float | None = None,
    ) -> Self:
        """Open a URL; the same as the constructor, which has the meaning of each option.

        Args:
            uri: The URL, as text or as SQLAlchemy's object.
            table_name: What the names of the tables begin with.
            schema_name: The schema of the tables.
            ttl: Seconds after its last write after which a conversation is gone.
            create_tables: Let the first call make the tables where they are missing.
            max_connections: The most connections for threads, and as many for each event loop.
            timeout: Seconds to wait for a connection and for an answer.
            patience: Seconds for which a call is sent again; 0: never.

        Raises:
            InvalidArgumentError: The URL or an option cannot be used.

        """
        return cls(
            uri,
            table_name=table_name,
            schema_name=schema_name,
            ttl=ttl,
            create_tables=create_tables,
            max_connections=max_connections,
            timeout=timeout,
            patience=patience,
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open a URL for `chatstore.core.open_store`; see `from_uri`."""
        return cls.from_uri(url)

    @staticmethod
    def ddl(table_name: str = "chatstore", schema_name: str | None = None) -> str:
        """Return the SQL that makes the tables in a database that has none of them."""
        return schema.ddl(Names(table_name, schema_name))

    @staticmethod
    def grants(role: str, table_name: str = "chatstore", schema_name: str | None = None) -> str:
        """Return the SQL that gives a role the rights that a store needs, and no others.

        Args:
            role: The role that the store connects as; it is quoted.
            table_name: As in the constructor.
            schema_name: As in the constructor; ``None``: the rights on a schema are left out.

        Raises:
            InvalidArgumentError: A name cannot be used.

        """
        return rights.grants(Names(table_name, schema_name), role)

    def setup(self) -> None:
        """Make the tables, or bring them up to date, whatever ``create_tables`` says.

        Raises:
            SchemaVersionError: A later version of this package made them.
            StoreSetupError: Other tables have their names, or the encoding is not UTF8.

        """
        self._run(self._calls.set_up(), "setup")

    async def async_setup(self) -> None:
        """Like `setup`, but awaitable."""
        await self._async_run(self._calls.set_up(), "setup")

    def purge_expired(self) -> None:
        """Reclaim the storage of all expired conversations; writes do it a little at a time."""
        while self._run(self._calls.purge(_PURGED_AT_ONCE), "purge_expired"):
            pass

    async def async_purge_expired(self) -> None:
        """Like `purge_expired`, but awaitable."""
        while await self._async_run(self._calls.purge(_PURGED_AT_ONCE), "purge_expired"):
            pass

    # ------------------------------------------------------------------ drivers

    def _execute(self, plan: Plan[T]) -> T:
        return run(plan, self._client)

    async def _async_execute(self, plan: Plan[T]) -> T:
        return await async_run(plan, self._async_client)

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return self._calls.errors.translate(error)

    def _close(self) -> None:
        if self._pools is not None:
            self._pools.close()

    async def _async_close(self) -> None:
        if self._pools is not None:
            await self._pools.async_close()

    # ------------------------------------------------------------------ hooks

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        return operations.append(self._calls, key, records)

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        return operations.insert(self._calls, key, index, record)

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        return operations.replace(self._calls, key, records)

    def _delete(self, key: str) -> Plan[None]:
        return operations.delete(self._calls, key)

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        return operations.remove(self._calls, key, index, force=force)

    def _count(self, key: str) -> Plan[int]:
        return operations.count(self._calls, key)

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        return operations.read_newest(self._calls, key, limit, before, leading)

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        return operations.read_oldest(self._calls, key, limit, after)

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        return operations.list_keys(self._calls, prefix, limit, cursor)


def _check_flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidArgumentError(f"{name} must be True or False, not {type(value).__name__}")
    return value
