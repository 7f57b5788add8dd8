"""``CosmosBackend``: runs the plans of `CosmosDatabase` with azure-cosmos."""

from __future__ import annotations

from typing import TypeVar

from chatstore.conditional import ConditionalBackend
from chatstore.core import ChatStoreError
from chatstore.core.backend import Plan, async_run, run
from chatstore.cosmos.clients import CosmosClients
from chatstore.cosmos.container import Container
from chatstore.cosmos.database import CosmosDatabase
from chatstore.cosmos.errors import ERRORS
from chatstore.cosmos.settings import CosmosSettings

T = TypeVar("T")


class CosmosBackend(ConditionalBackend[Container]):
    """Keeps conversations in a container of Azure Cosmos DB for NoSQL."""

    system = "azure.cosmosdb"

    def __init__(self, settings: CosmosSettings) -> None:
        """Take checked options; nothing is sent before the first call."""
        self._clients = CosmosClients(settings)
        self._database = CosmosDatabase(
            settings.server,
            create=settings.create,
            timeout=settings.timeout,
            max_connections=settings.max_connections,
        )
        super().__init__(
            self._database,
            ttl=settings.ttl,
            patience=settings.patience,
            clock=settings.clock,
        )

    def run(self, plan: Plan[Container, T]) -> T:
        """See `Backend.run`."""
        return run(plan, self._clients.get())

    async def async_run(self, plan: Plan[Container, T]) -> T:
        """See `Backend.async_run`."""
        return await async_run(plan, await self._clients.async_get())

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return ERRORS.translate(error, self.server)

    def setup(self) -> Plan[Container, None]:
        """Check the account and the container; create what is missing."""
        return self._database.setup()

    def close(self) -> None:
        """Close the threads' client; event loops close their own."""
        self._clients.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed when this returns."""
        await self._clients.async_close()
