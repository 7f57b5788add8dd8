"""``CosmosClients``: the clients of azure-cosmos that run a store's plans."""

from __future__ import annotations

import threading
from typing import Any

from chatstore.azure_core.clients import Clients, check_account, check_client, make_transport
from chatstore.azure_core.credentials import ThreadedCredential
from chatstore.azure_core.sdk_modules import import_sdk
from chatstore.cosmos.container import Container
from chatstore.cosmos.settings import CosmosSettings


class CosmosClients(Clients[Container]):
    """Makes clients that share one session, so that each reads what the others wrote."""

    def __init__(self, settings: CosmosSettings) -> None:
        """Start without clients."""
        super().__init__()
        self._settings = settings
        self._session: Any = None

    def make(self) -> Container:
        """Make a sync client; azure-cosmos reads the account's properties at once."""
        client = self._settings.client or self._make("azure.cosmos", is_async=False)
        container = self._container(client)
        self._share_session(container)
        return container

    def make_async(self) -> Container:
        """Make an async client, which `async_get` opens."""
        import asyncio  # it is loaded if there is a loop

        client = self._settings.async_client or self._make("azure.cosmos.aio", is_async=True)
        return self._container(client, asyncio.Lock())

    async def async_get(self) -> Container:
        """Return the client of the running event loop, opened."""
        container = await super().async_get()
        opening = container.opening
        if opening is not None:
            async with opening:
                if container.opening is not None:
                    if self._settings.async_client is None:
                        await container.client.__aenter__()
                    self._share_session(container)
                    container.opening = None
        return container

    def close_client(self, client: Container) -> None:
        """Close a sync client, unless it is the caller's."""
        if self._settings.client is None:
            client.client.close()

    async def async_close_client(self, client: Container) -> None:
        """Close an async client, unless it is the caller's."""
        if self._settings.async_client is None:
            await client.client.close()

    def after_fork_in_child(self) -> None:
        """Start without a client, but with the session's tokens: the child reads earlier writes."""
        super().after_fork_in_child()
        if self._session is not None:
            # A thread of the parent may have held the lock at the fork.
            self._session.session_container.session_lock = threading.RLock()

    def _container(self, client: Any, opening: Any = None) -> Container:
        return Container(client, self._settings.address, self._settings.timeout, opening)

    def _share_session(self, container: Container) -> None:
        if self._session is None:
            self._session = container.session
        elif container.session is not None:
            container.session = self._session

    def _make(self, module: str, *, is_async: bool) -> Any:
        settings = self._settings
        credential: Any = check_account(settings.credential, is_async=is_async)
        if is_async and not isinstance(credential, str):
            credential = ThreadedCredential(credential)
        make_client = import_sdk(module).CosmosClient
        return make_client(
            settings.address.endpoint,
            credential,
            transport=make_transport(
                settings.server,
                timeout=settings.timeout,
                max_connections=settings.max_connections,
                is_async=is_async,
            ),
            consistency_level=settings.consistency,
            connection_timeout=settings.timeout,
            read_timeout=settings.timeout,
            # The client repeats only after 429, when it waits as the service says. The store
            # repeats other requests, since they may have taken effect.
            retry_connect=0,
            retry_read=0,
            retry_status=0,
            retry_throttle_backoff_max=max(1, int(settings.timeout)),
        )


def check_cosmos_client(client: object, name: str, *, is_async: bool) -> Any:
    """Return a ``CosmosClient`` that the caller passed, or ``None``.

    Raises:
        InvalidArgumentError: `client` is something else, or a client of the other mode.

    """
    return check_client(
        client,
        name,
        is_async=is_async,
        kind="CosmosClient",
        module="azure.cosmos",
        method="get_database_client",
    )
