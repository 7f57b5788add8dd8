"""``AzureBackend``: runs the plans of `AzureDatabase` with azure-data-tables."""

from __future__ import annotations

from typing import TypeVar

from chatstore.azure.clients import TableClients
from chatstore.azure.database import AzureDatabase
from chatstore.azure.errors import ERRORS
from chatstore.azure.preparing import Preparation
from chatstore.azure.settings import AzureSettings
from chatstore.azure.table import Table
from chatstore.conditional import ConditionalBackend
from chatstore.core import ChatStoreError
from chatstore.core.backend import Plan, async_run, run

T = TypeVar("T")


class AzureBackend(ConditionalBackend[Table]):
    """Keeps conversations in a table of Azure Table Storage, or of Cosmos DB's Table API."""

    system = "azure.tables"

    def __init__(self, settings: AzureSettings) -> None:
        """Take checked options; nothing is opened before the first call."""
        self._clients = TableClients(settings)
        self._preparation = Preparation(create=settings.create)
        super().__init__(
            AzureDatabase(
                settings.server,
                self._preparation,
                max_connections=settings.max_connections,
            ),
            ttl=settings.ttl,
            patience=settings.patience,
            clock=settings.clock,
        )

    def run(self, plan: Plan[Table, T]) -> T:
        """See `Backend.run`."""
        return run(plan, self._clients.get())

    async def async_run(self, plan: Plan[Table, T]) -> T:
        """See `Backend.async_run`."""
        return await async_run(plan, await self._clients.async_get())

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return ERRORS.translate(error, self.server)

    def setup(self) -> Plan[Table, None]:
        """Create the table, unless it exists."""
        return self._preparation.create()

    def close(self) -> None:
        """Close the threads' client; event loops close their own."""
        self._clients.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed when this returns."""
        await self._clients.async_close()
