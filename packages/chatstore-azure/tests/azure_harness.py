"""A table of its own for each test, for the contract."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import (
    TableClient,
    TableSasPermissions,
    UpdateMode,
    generate_table_sas,
)
from azurite_server import ACCOUNT, KEY
from mistakes import refused_port
from tables_proxy import TablesProxy

from chatstore.azure import AzureChatStore
from chatstore.azure.keys import encode
from chatstore.core import ChatStore
from chatstore.core.backend import Newest
from chatstore.core.testing import ContractHarness


class AzureHarness(ContractHarness):
    own_clock = True
    orders_lists_exactly = False  # writes refresh an entry at most once a minute

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
        record = self._record(key, index)
        with self._client() as client:
            client.update_entity({**record, "Body0": "{"}, mode=UpdateMode.REPLACE)

    def lose(self, key: str, index: int) -> None:
        record = self._record(key, index)
        with self._client() as client:
            client.delete_entity(record["PartitionKey"], record["RowKey"])

    def stored(self) -> int:
        """Count everything but heads, which stay for three days."""
        with self._client() as client:
            try:
                return sum(entity["RowKey"] != "head" for entity in client.list_entities())
            except ResourceNotFoundError:
                return 0

    def reclaim(self, store: ChatStore) -> None:
        store.purge_expired()

    def unreachable(self) -> ChatStore:
        return AzureChatStore.from_account_and_key(
            ACCOUNT, KEY, endpoint=f"http://127.0.0.1:{refused_port()}", timeout=0.5, patience=0.5
        )

    @contextmanager
    def read_only(self) -> Iterator[AzureChatStore]:
        token = generate_table_sas(
            AzureNamedKeyCredential(ACCOUNT, KEY),
            self.table,
            permission=TableSasPermissions(read=True),
            expiry=datetime.now(timezone.utc) + timedelta(hours=1),
        )
        with self._client() as client:
            endpoint = client.url
        yield AzureChatStore.from_sas_token(endpoint, token, self.table, create=False)

    def drop(self) -> None:
        with self._client() as client:
            client.delete_table()

    def _client(self) -> TableClient:
        return TableClient.from_connection_string(self.connection_string, self.table)

    def _record(self, key: str, index: int) -> Mapping[str, Any]:
        """Return the entity of a message, which contains its body."""
        with self.open() as store:
            backend = store.backend
            body = backend.run(backend.read_newest(key, Newest())).records[index].body
        with self._client() as client:
            entities = client.query_entities(f"PartitionKey eq '{encode(key)}'")
            [record] = [e for e in entities if body in str(e.get("Body0"))]
            return record


def connection_string(service: TablesProxy) -> str:
    return f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={service.endpoint}"
