"""A table of its own for each test, for the contract."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from functools import partial

from azure.data.tables import TableClient, UpdateMode
from azurite_server import ACCOUNT, KEY
from tables_proxy import TablesProxy

from chatstore.azure import AzureChatStore
from chatstore.azure.keys import encode
from chatstore.core.testing import ContractHarness


class AzureHarness(ContractHarness):
    own_clock = True

    def __init__(self, connection_string: str) -> None:
        self.connection_string = connection_string
        self.table = f"Chat{uuid.uuid4().hex}"

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> AzureChatStore:
        return AzureChatStore.from_connection_string(
            self.connection_string, self.table, ttl=ttl, clock=clock or time.time
        )

    def opener(self) -> Callable[[], AzureChatStore]:
        return partial(AzureChatStore.from_connection_string, self.connection_string, self.table)

    def corrupt(self, key: str, index: int) -> None:
        """Damage a record; the row keys of records sort by position."""
        with TableClient.from_connection_string(self.connection_string, self.table) as client:
            entities = client.query_entities(f"PartitionKey eq '{encode(key)}'")
            messages = [e for e in entities if '"role"' in str(e.get("Body0", ""))]
            message = sorted(messages, key=lambda e: e["RowKey"])[index]
            client.update_entity({**message, "Body0": "{"}, mode=UpdateMode.REPLACE)

    def drop(self) -> None:
        with TableClient.from_connection_string(self.connection_string, self.table) as client:
            client.delete_table()


def connection_string(service: TablesProxy) -> str:
    return f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={service.endpoint}"
