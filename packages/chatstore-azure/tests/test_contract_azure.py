"""Table Storage and the Table API keep every promise of the contract, sync and async.

The tests run on Azurite, the second time behind what makes it like the Table API, and on the
account that ``CHATSTORE_AZURE_CONNECTION_STRING`` names, where it is set: each test makes a table
there, and deletes it.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from azure.data.tables import TableClient, UpdateMode
from azurite_server import ACCOUNT, KEY
from tables_proxy import TablesProxy

from chatstore.azure import AzureChatStore
from chatstore.azure.names import encode
from chatstore.core.testing import (
    AcrossContract,
    Backend,
    ChatStoreContract,
    ProcessContract,
)

ACCOUNTS = os.environ.get("CHATSTORE_AZURE_CONNECTION_STRING")


class AzureBackend(Backend):
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
        """Damage a record: their row keys end with positions that sort."""
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


class TestTableStorageContract(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def backend(self, storage: TablesProxy) -> AzureBackend:
        return AzureBackend(connection_string(storage))


# Each colour by itself is for the long run.
TableApiContract = ChatStoreContract if os.environ.get("CHATSTORE_SOAK") else AcrossContract


class TestTableApiContract(TableApiContract, ProcessContract):
    @pytest.fixture
    def backend(self, table_api: TablesProxy) -> AzureBackend:
        return AzureBackend(connection_string(table_api))


if ACCOUNTS:

    class TestAzureContractOnAccount(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def backend(self) -> Iterator[AzureBackend]:
            backend = AzureBackend(ACCOUNTS or "")
            yield backend
            backend.drop()
