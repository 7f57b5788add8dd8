"""``BatchTableClient``: an async ``TableClient`` with a faster ``submit_transaction``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.core import AsyncPipelineClient
from azure.core.pipeline import AsyncPipeline
from azure.core.tracing.decorator_async import distributed_trace_async
from azure.data.tables.aio import TableClient

from chatstore.azure.batch_requests import batch_request, make_batch_client, metadata_of


class BatchTableClient(TableClient):
    """A ``TableClient`` that encodes transactions itself, except with credentials of Entra ID."""

    def __init__(
        self, endpoint: str, table_name: str, *, credential: Any, transport: Any, **options: Any
    ) -> None:
        """Use a transport, also for transactions; see ``TableClient``."""
        super().__init__(
            endpoint, table_name, credential=credential, transport=transport, **options
        )
        self.batch_client: AsyncPipelineClient[Any, Any] | None = make_batch_client(
            AsyncPipelineClient, AsyncPipeline, endpoint, credential, transport
        )

    @distributed_trace_async(name_of_span="TableClient.submit_transaction")
    async def submit_transaction(self, operations: Any, **options: Any) -> list[Mapping[str, Any]]:
        """Carry out all operations or none; return the metadata of each entity."""
        if self.batch_client is None:
            return await super().submit_transaction(operations, **options)
        batch = list(operations)
        request = batch_request(self.url, self.table_name, batch)
        return metadata_of(await self.batch_client.send_request(request), len(batch))
