"""``PostgresChatStore``: conversations in a Postgres database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import Self

from chatstore.core import ChatStore, ChatStoreError, InvalidArgumentError
from chatstore.core.checks import check_count, check_ttl
from chatstore.core.plans import Plan, async_run, run
from chatstore.core.records import Held, KeyPage, Page, Record, StoredRecord
from chatstore.postgres import address, operations, schema
from chatstore.postgres.calls import Calls
from chatstore.postgres.clients import AsyncClient, SyncClient
from chatstore.postgres.errors import translate
from chatstore.postgres.names import Names
from chatstore.postgres.pools import Pools

if TYPE_CHECKING:  # a program that brings no engine never loads SQLAlchemy
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")
_LONGEST_TTL = 1e11  # seconds; Postgres's timestamps end in the year 294276
_PURGED_AT_ONCE = 5000  # messages in one statement


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
        table_name: str = "chatstore",
        schema_name: str | None = None,
        ttl: float | None = None,
        create_tables: bool = True,
        max_connections: int = 10,
        timeout: float = 30.0,
        patience: float = 10.0,
    ) -> None:
        """Name the database; the first call connects.

        Args:
            uri: ``postgresql://user:password@host/database``, or engines instead.
            engine: The caller's engine for the plain methods, with psycopg; it is never closed.
            async_engine: The caller's engine for the async methods, with asyncpg; it is never
                closed, and serves the loops that SQLAlchemy lets it serve: one.
            table_name: What the names of the tables begin with, at most 49 bytes.
            schema_name: The schema of the tables; ``None``: the first of the search path.
            ttl: Seconds after its last write after which a conversation is gone, by the server's
                clock.
            create_tables: Let the first call make the tables where they are missing.
            max_connections: The most connections for threads, and as many for each event loop.
            timeout: Seconds to wait for a connection and for an answer.
            patience: Seconds for which a call is sent again when the server is down or restarts.

        Raises:
            InvalidArgumentError: An argument cannot be used.

        """
        owned = engine is not None or async_engine is not None
        if owned == (uri is not None):
            message = "PostgresChatStore needs a uri, or an engine, an async_engine or both"
            raise InvalidArgumentError(message)
        ttl = check_ttl(ttl)
        self._pools: Pools | None = None
        if uri is not None:
            where = address.parse(uri)
            size = check_count(max_connections, "max_connections", least=1)
            seconds = _seconds(timeout, "timeout")
            self._place = where.place
            self._pools = Pools(where.libpq, where.asyncpg, seconds, size)
            self._client = SyncClient(self._pools.sync.session)
            self._async_client = AsyncClient(self._pools.async_lend)
        else:
            from chatstore.postgres import given  # noqa: PLC0415 - it loads SQLAlchemy

            self._place = "the caller's database"
            self._client = SyncClient(given.lender(engine))
            self._async_client = AsyncClient(given.async_lender(async_engine))
        self._calls = Calls(
            Names(table_name, schema_name),
            self._place,
            None if ttl is None else min(ttl, _LONGEST_TTL),
            _seconds(patience, "patience"),
            creates_tables=create_tables,
        )

    @classmethod
    def from_uri(cls, uri: str, **options: Any) -> Self:
        """Open ``postgresql://``, ``postgresql+asyncpg://`` or ``postgresql+psycopg://``.

        The constructor's numbers and names may stand in the query as well (``?ttl=3600``), beside
        what Postgres's own URLs have (``sslmode``, ``host``, several hosts).

        Args:
            uri: The URL, or one of SQLAlchemy's.
            options: The constructor's, which go before those of the URL.

        Raises:
            InvalidArgumentError: The URL or an option cannot be read.

        """
        return cls(uri, **{**address.parse(uri).options, **options})

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open a URL for `chatstore.core.open_store`; see `from_uri`."""
        return cls.from_uri(url)

    @staticmethod
    def ddl(table_name: str = "chatstore", schema_name: str | None = None) -> str:
        """Return the SQL that makes the tables in a database that has none of them."""
        return schema.ddl(Names(table_name, schema_name))

    def setup(self) -> None:
        """Make the tables, or bring them up to date, whatever ``create_tables`` says.

        Raises:
            SchemaVersionError: A later version of this package made them.

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
        return translate(error, self._place)

    def _close(self) -> None:
        if self._pools is not None:
            self._pools.close()

    async def _async_close(self) -> None:
        if self._pools is not None:
            await self._pools.async_close()

    # ------------------------------------------------------------------ hooks

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Held]]:
        return operations.append(self._calls, key, records)

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Held]]:
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


def _seconds(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        message = f"{name} must be a positive number of seconds"
        raise InvalidArgumentError(message)
    return float(value)
