"""``PostgresChatStore``: conversations in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.backend import (
    check_flag,
    check_max_connections,
    check_patience,
    check_timeout,
    check_ttl,
    passed_options,
)
from chatstore.postgres import tables
from chatstore.postgres.backend import PostgresBackend, Settings
from chatstore.postgres.sql.rendering import TableNames
from chatstore.postgres.url import parse

if TYPE_CHECKING:  # a program without engines of its own never loads SQLAlchemy
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

_DEFAULTS: dict[str, Any] = {
    "table_name": "chatstore",
    "schema_name": None,
    "ttl": None,
    "create": True,
    "max_connections": 10,
    "timeout": 30.0,
    "patience": 10.0,
}


class PostgresChatStore(ChatStore):
    """Keeps conversations in Postgres.

    A call is one statement; only what is too large for one is a transaction of several. A call
    whose connection broke is sent again, and takes effect once.
    """

    def __init__(
        self,
        uri: str | None = None,
        *,
        client: Engine | None = None,
        async_client: AsyncEngine | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        table_name: str | None = None,
        schema_name: str | None = None,
    ) -> None:
        """Name the database, or pass engines; nothing is sent before the first call.

        Each option can be in the URL instead: ``postgresql://host/db?ttl=3600``. An argument that
        is not ``None`` overrides the URL's option.

        Args:
            uri: ``postgresql://user:password@host/database``. The schemes ``postgres``,
                ``postgresql+asyncpg`` and ``postgresql+psycopg`` mean the same. The query takes
                the options of Postgres's own URLs (``sslmode``, ``host``, several hosts), too.
                If there is an engine, only the store's own options are used.
            client: Your own SQLAlchemy engine for sync methods, with psycopg. It keeps its
                timeouts and its pool, and is never closed.
            async_client: The same for async methods, with asyncpg, on its one event loop. If only
                one of the two is given, methods of the other mode raise `InvalidArgumentError`.
            ttl: Seconds after its last write until a conversation expires, by the server's clock;
                by default it stays.
            timeout: Seconds to wait for a connection, and for each answer; 30 by default.
            patience: Seconds for which a call is sent again while the server is down, restarts or
                is read-only; 10 by default, 0: never. A server that was never reached is tried for
                one second.
            max_connections: The most connections of all threads, and of each event loop; 10 by
                default. Further calls wait.
            create: Whether the first call creates missing tables; ``True`` by default. With
                ``False`` it raises `StoreSetupError`.
            table_name: The beginning of the tables' names, at most 49 bytes; ``chatstore`` by
                default.
            schema_name: The schema of the tables; by default the first one of the search path.

        Raises:
            InvalidArgumentError: The URL, an option or an engine is not valid, or there is neither
                a URL nor an engine.

        """
        address, url_options = (None, {}) if uri is None else parse(uri)
        if client is not None or async_client is not None:
            address = None
        elif address is None:
            raise InvalidArgumentError(
                "PostgresChatStore needs a uri, or an engine as client, async_client or both"
            )
        passed = passed_options(
            table_name=table_name,
            schema_name=schema_name,
            ttl=ttl,
            create=create,
            max_connections=max_connections,
            timeout=timeout,
            patience=patience,
        )
        options = {**_DEFAULTS, **url_options, **passed}
        settings = Settings(
            table_name=options["table_name"],
            schema_name=options["schema_name"],
            ttl=check_ttl(options["ttl"]),
            create=check_flag(options["create"], "create"),
            max_connections=check_max_connections(options["max_connections"]),
            timeout=check_timeout(options["timeout"]),
            patience=check_patience(options["patience"]),
        )
        super().__init__(
            PostgresBackend(settings, address, client=client, async_client=async_client)
        )

    @classmethod
    def from_uri(
        cls,
        uri: str,
        *,
        client: Engine | None = None,
        async_client: AsyncEngine | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        table_name: str | None = None,
        schema_name: str | None = None,
    ) -> Self:
        """Open a URL, as the constructor does; the name that LlamaIndex's store has.

        Args:
            uri: The URL, as text or as SQLAlchemy's object.
            client: As in the constructor.
            async_client: As in the constructor.
            ttl: As in the constructor; overrides the URL's, as the other options do.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            table_name: As in the constructor.
            schema_name: As in the constructor.

        Raises:
            InvalidArgumentError: The URL, an option or an engine is not valid.

        """
        return cls(
            uri,
            client=client,
            async_client=async_client,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            table_name=table_name,
            schema_name=schema_name,
        )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        client: Engine | None = None,
        async_client: AsyncEngine | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        table_name: str | None = None,
        schema_name: str | None = None,
    ) -> Self:
        """Open ``postgresql://user:password@host:5432/database?ttl=3600``.

        Args:
            url: The URL, as in the constructor.
            client: As in the constructor.
            async_client: As in the constructor.
            ttl: As in the constructor; overrides the URL's, as the other options do.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            table_name: As in the constructor.
            schema_name: As in the constructor.

        Raises:
            InvalidArgumentError: The URL, an option or an engine is not valid.

        """
        return cls(
            url,
            client=client,
            async_client=async_client,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            table_name=table_name,
            schema_name=schema_name,
        )

    @staticmethod
    def ddl(table_name: str = "chatstore", schema_name: str | None = None) -> str:
        """Return the SQL that creates the tables in a database that has none of them."""
        return tables.ddl(TableNames(table_name, schema_name))

    @staticmethod
    def grants(role: str, table_name: str = "chatstore", schema_name: str | None = None) -> str:
        """Return the SQL that gives a role the rights that a store needs, and no others.

        Args:
            role: The role that the store connects as; it is quoted.
            table_name: As in the constructor.
            schema_name: As in the constructor; ``None``: rights on a schema are left out.

        Raises:
            InvalidArgumentError: A name is not valid.

        """
        return tables.grants(TableNames(table_name, schema_name), role)
