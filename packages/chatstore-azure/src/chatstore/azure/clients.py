"""``TableClients``: the clients of azure-data-tables that run a store's plans."""

from __future__ import annotations

from typing import Any

from chatstore.azure.settings import AzureSettings
from chatstore.azure.table import Table
from chatstore.azure_core.clients import Clients, check_account, check_client, make_transport
from chatstore.azure_core.sdk_modules import import_sdk


class TableClients(Clients[Table]):
    """Makes clients with limited connections, with timeouts and without retries."""

    def __init__(self, settings: AzureSettings) -> None:
        """Start without clients."""
        super().__init__()
        self._settings = settings

    def make(self) -> Table:
        """Make a sync client."""
        if self._settings.client is not None:
            table: Table = self._settings.client.get_table_client(self._settings.table)
            return table
        return self._make("chatstore.azure.batch_client", is_async=False)

    def make_async(self) -> Table:
        """Make an async client."""
        if self._settings.async_client is not None:
            table: Table = self._settings.async_client.get_table_client(self._settings.table)
            return table
        return self._make("chatstore.azure.async_batch_client", is_async=True)

    def close_client(self, client: Any) -> None:
        """Close a sync client, unless it is the caller's."""
        if self._settings.client is None:
            client.close()

    async def async_close_client(self, client: Any) -> None:
        """Close an async client, unless it is the caller's."""
        if self._settings.async_client is None:
            await client.close()

    def _make(self, module: str, *, is_async: bool) -> Table:
        settings = self._settings
        account = check_account(settings.account, is_async=is_async)
        make_client = import_sdk(module).BatchTableClient
        table: Table = make_client(
            account.endpoint,
            settings.table,
            credential=account.sdk_credential(is_async=is_async),
            transport=make_transport(
                settings.server,
                timeout=settings.timeout,
                max_connections=settings.max_connections,
                is_async=is_async,
            ),
            retry_total=0,
        )
        return table


def check_service_client(client: object, name: str, *, is_async: bool) -> Any:
    """Return a ``TableServiceClient`` that the caller passed, or ``None``.

    Raises:
        InvalidArgumentError: `client` is something else, or a client of the other mode.

    """
    return check_client(
        client,
        name,
        is_async=is_async,
        kind="TableServiceClient",
        module="azure.data.tables",
        method="get_table_client",
    )
