"""Clients of azure-data-tables, made when needed: one for all threads, one for each event loop."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from chatstore.azure.access import Access
from chatstore.azure.errors import code_of
from chatstore.conditional.azure_core.credentials import ThreadedCredential
from chatstore.conditional.azure_core.loading import load
from chatstore.core import InvalidArgumentError
from chatstore.core.backend import ClientPerLoop, ForkAware, keep_inherited, watch


class Settings(NamedTuple):
    """How clients are made; `repr` shows no secret.

    Attributes:
        server: What messages and logs call the table.
        access: The account; ``None``: clients were given.
        table: The table's name.
        create_table: Whether the first call makes a table that is missing.
        timeout: Seconds for a connection, and for an answer.
        max_connections: The most connections, of all threads together and of each event loop.
        given: A sync ``TableServiceClient`` that the caller gave.
        async_given: An async one.

    """

    server: str
    access: Access | None
    table: str
    create_table: bool
    timeout: float
    max_connections: int
    given: Any = None
    async_given: Any = None

    def __repr__(self) -> str:
        """Name the table only."""
        return f"Settings({self.server!r})"


class Clients(ForkAware):
    """Makes clients with bounded connections, timeouts and no retries, and closes them."""

    def __init__(self, settings: Settings) -> None:
        """Keep the settings; nothing is opened."""
        self._settings = settings
        self._is_there = not settings.create_table
        self._on_loops = ClientPerLoop(self._make_async, self._close_async)
        self._begin()
        watch(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._client)
        self._begin()

    def for_threads(self) -> Any:
        """Return the table's client that all threads share; the first call makes the table."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
            if not self._is_there:
                from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

                try:
                    self._client.create_table(retry_total=0)
                except ResourceExistsError as error:
                    _check_exists(error)
                self._is_there = True
            return self._client

    async def for_loop(self) -> Any:
        """Return the table's client of the running event loop; the first call makes the table."""
        client = await self._on_loops.get()
        if not self._is_there:
            from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

            try:
                await client.create_table(retry_total=0)
            except ResourceExistsError as error:
                _check_exists(error)
            self._is_there = True
        return client

    def close(self) -> None:
        """Close the threads' client; those of event loops are closed on their loops."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._settings.given is None:
            client.close()
        self._on_loops.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed at the return."""
        await self._on_loops.async_close()
        self.close()

    def _make(self) -> Any:
        settings = self._settings
        if settings.given is not None:
            return settings.given.get_table_client(settings.table)
        access = self._access("table_service_client")
        make_client = load("azure.data.tables").TableClient
        make_transport = load("chatstore.conditional.azure_core.for_threads").HealingTransport
        return make_client(
            access.endpoint,
            settings.table,
            credential=access.credential(),
            transport=make_transport(
                settings.server,
                timeout=settings.timeout,
                max_connections=settings.max_connections,
            ),
            retry_total=0,
        )

    def _make_async(self) -> Any:
        settings = self._settings
        if settings.async_given is not None:
            return settings.async_given.get_table_client(settings.table)
        access = self._access("atable_service_client")
        make_client = load("azure.data.tables.aio").TableClient
        make_transport = load("chatstore.conditional.azure_core.for_loops").HealingTransport
        credential = access.credential()
        return make_client(
            access.endpoint,
            settings.table,
            credential=(
                ThreadedCredential(credential) if access.kind == "credential" else credential
            ),
            transport=make_transport(
                settings.server,
                timeout=settings.timeout,
                max_connections=settings.max_connections,
            ),
            retry_total=0,
        )

    async def _close_async(self, client: Any) -> None:
        if self._settings.async_given is None:
            await client.close()

    def _access(self, instead: str) -> Access:
        if self._settings.access is None:
            raise InvalidArgumentError(
                f"this call needs {instead}, which was not given to the store"
            )
        return self._settings.access


def check_client(client: object, name: str, *, is_async: bool) -> Any:
    """Return a ``TableServiceClient`` that was given, or ``None``.

    Raises:
        InvalidArgumentError: It is something else, or of the other mode.

    """
    if client is None:
        return None
    module = "azure.data.tables.aio" if is_async else "azure.data.tables"
    if not callable(getattr(client, "get_table_client", None)) or isinstance(client, type):
        raise InvalidArgumentError(
            f"{name} must be a TableServiceClient of {module}, not {type(client).__name__}"
        )
    if hasattr(type(client), "__aenter__") != is_async:
        found = "a sync one" if is_async else "an async one"
        raise InvalidArgumentError(
            f"{name} must be the TableServiceClient of {module}, not {found}"
        )
    return client


def _check_exists(error: Exception) -> None:
    """Raise the error again unless it says that the table is there."""
    if code_of(error) not in {"TableAlreadyExists", "EntityAlreadyExists"}:
        raise error
