"""``BatchTableClient``: a sync ``TableClient`` with a faster ``submit_transaction``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from azure.core import PipelineClient
from azure.core.pipeline import Pipeline
from azure.core.tracing.decorator import distributed_trace
from azure.data.tables import TableClient

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
        self.batch_client: PipelineClient[Any, Any] | None = make_batch_client(
            PipelineClient, Pipeline, endpoint, credential, transport
        )

    @distributed_trace(name_of_span="TableClient.submit_transaction")
    def submit_transaction(
        self, operations: Iterable[Any], **options: Any
    ) -> list[Mapping[str, Any]]:
        """Carry out all operations or none; return the metadata of each entity."""
        if self.batch_client is None:
            return super().submit_transaction(operations, **options)
        batch = list(operations)
        request = batch_request(self.url, self.table_name, batch)
        return metadata_of(self.batch_client.send_request(request), len(batch))
