"""A table of DynamoDB, for the contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from chatstore.core.testing import ContractHarness
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.dynamodb.backend import DynamoDBBackend


class DynamoDBHarness(ContractHarness):
    own_clock = True

    def __init__(self, table: str, endpoint_url: str | None, client: Any) -> None:
        self.table = table
        self.endpoint_url = endpoint_url
        self.client = client

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> DynamoDBChatStore:
        return DynamoDBChatStore(
            self.table, endpoint_url=self.endpoint_url, ttl=ttl, clock=clock or time.time
        )

    def opener(self) -> Callable[[], DynamoDBChatStore]:
        return partial(DynamoDBChatStore, self.table, endpoint_url=self.endpoint_url)

    def corrupt(self, key: str, index: int) -> None:
        """Damage a record: the names of records end with numbers that sort."""
        items = self.client.get_paginator("scan").paginate(TableName=self.table)
        bodies = [item for page in items for item in page["Items"] if is_message(item, key)]
        item = sorted(bodies, key=lambda item: item["SessionId"]["S"])[index]
        self.client.put_item(TableName=self.table, Item={**item, "b": {"S": "{"}})


def client_of(store: DynamoDBChatStore) -> Any:
    """Return boto3's client of a store."""
    backend = store.backend
    assert isinstance(backend, DynamoDBBackend)
    return backend.clients.get().client


def is_message(item: dict[str, Any], key: str) -> bool:
    """Return whether an item is a record of a message of a conversation."""
    name = item["SessionId"]["S"]
    return name.startswith(f"chatstore/record/{len(key)}/{key}/") and '"role"' in str(item)
