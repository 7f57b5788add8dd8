"""Clients of azure-cosmos, made when they are needed: one for threads, one for each event loop."""

from __future__ import annotations

import threading
from typing import Any

from chatstore.conditional.azure_core.credentials import ThreadedCredential
from chatstore.conditional.azure_core.loading import load
from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    ClientPerLoop,
    ForkAware,
    Plan,
    async_run,
    keep_inherited,
    run,
    watch,
)
from chatstore.cosmos.access import Access
from chatstore.cosmos.address import Place


class Settings:
    """How clients are made; its `repr` shows no key.

    Attributes:
        place: The account and what is in it.
        create: Whether a missing database or container is made.
        timeout: Seconds for a request with all that the client does about it.
        server: What messages and logs call the container.
        given: A sync client that the caller gave.
        async_given: An async one.

    """

    def __init__(
        self,
        place: Place,
        credential: Any,
        *,
        consistency: str | None,
        create: bool,
        timeout: float,
        max_connections: int,
        server: str,
        given: Any = None,
        async_given: Any = None,
    ) -> None:
        """Keep the settings; nothing is opened."""
        self.place = place
        self.server = server
        self.create = create
        self.timeout = timeout
        self.given = given
        self.async_given = async_given
        self._credential = credential
        self._consistency = consistency
        self._max_connections = max_connections

    def __repr__(self) -> str:
        """Name the container only."""
        return f"Settings({self.server!r})"

    def for_threads(self) -> Any:
        """Return a new client; it asks for the account at once."""
        make_client = load("azure.cosmos").CosmosClient
        make_transport = load("chatstore.conditional.azure_core.for_threads").HealingTransport
        self._refuse_none("client")
        transport = make_transport(
            self.server, timeout=self.timeout, max_connections=self._max_connections
        )
        return make_client(
            self.place.endpoint, self._credential, transport=transport, **self._options()
        )

    def for_loop(self) -> Any:
        """Return a new async client, which is to be entered."""
        make_client = load("azure.cosmos.aio").CosmosClient
        make_transport = load("chatstore.conditional.azure_core.for_loops").HealingTransport
        self._refuse_none("async_client")
        transport = make_transport(
            self.server, timeout=self.timeout, max_connections=self._max_connections
        )
        credential = self._credential
        if not isinstance(credential, str):
            credential = ThreadedCredential(credential)
        return make_client(self.place.endpoint, credential, transport=transport, **self._options())

    def _refuse_none(self, instead: str) -> None:
        if self._credential is None:
            raise InvalidArgumentError(
                f"this call needs {instead}, which was not given to the store"
            )

    def _options(self) -> dict[str, Any]:
        # Of the client's own retries only those after 429 are kept, which wait as the service
        # says: what may have taken effect is for the store to look at.
        return {
            "consistency_level": self._consistency,
            "connection_timeout": self.timeout,
            "read_timeout": self.timeout,
            "retry_connect": 0,
            "retry_read": 0,
            "retry_status": 0,
            "retry_throttle_backoff_max": max(1, int(self.timeout)),
        }


class Clients(ForkAware):
    """Makes clients, lets them share one session, and closes them."""

    def __init__(self, settings: Settings) -> None:
        """Note how; nothing is opened."""
        self._settings = settings
        self._session: Any = None
        self._on_loops = ClientPerLoop(self._make_on_loop, _OnLoop.close)
        self._begin()
        watch(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._access: Access | None = None

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._access)
        self._begin()

    def for_threads(self) -> Access:
        """Return what all threads share."""
        access = self._access
        if access is not None:
            return access
        with self._lock:
            if self._access is None:
                client = self._settings.given or self._settings.for_threads()
                try:
                    access = self._join(client)
                    run(self._prepare(access), None)
                except BaseException:
                    if client is not self._settings.given:
                        _close(client)
                    raise
                self._access = access
            return self._access

    async def for_loop(self) -> Access:
        """Return what the tasks of the running event loop share."""
        on_loop = await self._on_loops.get()
        if on_loop.access is None:
            async with on_loop.lock:
                if on_loop.access is None:
                    await on_loop.enter()
                    access = self._join(on_loop.client)
                    await async_run(self._prepare(access), None)
                    on_loop.access = access
        return on_loop.access

    def _prepare(self, access: Access) -> Plan[None]:
        return access.prepare(self._settings.server, create=self._settings.create)

    def _make_on_loop(self) -> _OnLoop:
        given = self._settings.async_given
        return _OnLoop(given or self._settings.for_loop(), is_own=given is None)

    def _join(self, client: Any) -> Access:
        """Let a client read what the store's others wrote, as sessions of azure-cosmos can."""
        if self._session is None:
            self._session = client.client_connection.session
        elif client.client_connection.session is not None:
            client.client_connection.session = self._session
        return Access(client, self._settings.place, self._settings.timeout)

    def close(self) -> None:
        """Close the threads' client, and have event loops close theirs."""
        with self._lock:
            access, self._access = self._access, None
        if access is not None and access.client is not self._settings.given:
            _close(access.client)
        self._on_loops.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed at the return."""
        await self._on_loops.async_close()
        self.close()


def _close(client: Any) -> None:
    """Close a sync client; before 4.16 it has no other way than to leave its ``with`` block."""
    close = getattr(client, "close", None)
    if close is None:
        client.__exit__(None, None, None)
    else:
        close()


class _OnLoop:
    """A client of one event loop; a lock lets one task look at the container first."""

    def __init__(self, client: Any, *, is_own: bool) -> None:
        import asyncio  # noqa: PLC0415 - loaded, where there is a loop

        self.client = client
        self.access: Access | None = None
        self.lock = asyncio.Lock()
        self._is_own = is_own

    async def enter(self) -> None:
        """Open the client, if it is ours; opening again is harmless."""
        if self._is_own:
            await self.client.__aenter__()

    async def close(self) -> None:
        """Close the client, if it is ours."""
        if self._is_own:
            await self.client.close()


def check_client(client: object, name: str, *, is_async: bool) -> Any:
    """Return a client of azure-cosmos that was given, or ``None``.

    Raises:
        InvalidArgumentError: It is something else, or of the other mode.

    """
    if client is None:
        return None
    module = "azure.cosmos.aio" if is_async else "azure.cosmos"
    if not callable(getattr(client, "get_database_client", None)) or isinstance(client, type):
        raise InvalidArgumentError(
            f"{name} must be a CosmosClient of {module}, not {type(client).__name__}"
        )
    if hasattr(type(client), "__aenter__") != is_async:
        found = "a sync one" if is_async else "an async one"
        raise InvalidArgumentError(f"{name} must be the CosmosClient of {module}, not {found}")
    return client
