"""A table of DynamoDB, for the contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from dynamodb_server import DynamoDBServer
from mistakes import refused_port

from chatstore.conditional.lookup import at_index
from chatstore.conditional.names import record_id
from chatstore.conditional.reading import read_head
from chatstore.core import ChatStore
from chatstore.core.testing import ContractHarness
from chatstore.core.testing.harness import Counts
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.dynamodb.backend import DynamoDBBackend

DENIED = [400, '{"__type": "com.amazon.coral.service#AccessDeniedException"}']
WRITES = ["PutItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"]


class DynamoDBHarness(ContractHarness):
    own_clock = True
    orders_lists_exactly = False

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
        item = self._record(key, index)
        self.client.put_item(TableName=self.table, Item={**item, "b": {"S": "{"}})

    def lose(self, key: str, index: int) -> None:
        name = self._record(key, index)["SessionId"]
        self.client.delete_item(TableName=self.table, Key={"SessionId": name})

    def stored(self) -> int:
        """Count all items, without the heads of ended conversations."""
        return sum("TTL" not in item for item in self._items())

    def reclaim(self, store: ChatStore) -> None:
        store.purge_expired()

    def unreachable(self) -> DynamoDBChatStore:
        endpoint = f"http://127.0.0.1:{refused_port()}"
        return DynamoDBChatStore(self.table, endpoint_url=endpoint, timeout=1, patience=0)

    def _items(self) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.table)
        return [item for page in pages for item in page["Items"]]

    def _record(self, key: str, index: int) -> dict[str, Any]:
        """Return the first record of the message at an index."""
        with self.open() as store:
            backend = backend_of(store)
            stored = backend.run(read_head(backend.database, key))
            assert stored is not None
            result = backend.run(at_index(backend.database, key, stored.head, index))
        name = record_id(stored.head.stream, result.location.number)
        place = {"SessionId": {"S": f"chatstore/record/{len(key)}/{key}/{name}"}}
        answer = self.client.get_item(TableName=self.table, Key=place, ConsistentRead=True)
        item: dict[str, Any] = answer["Item"]
        return item


class MotoHarness(DynamoDBHarness):
    """A table of the test server, which can fail and counts requests."""

    def __init__(self, server: DynamoDBServer) -> None:
        super().__init__(server.new_table(), server.url, server.client())
        self.server = server
        self._counts = Counts(0, 0)

    def counts(self) -> Counts:
        """Count requests, and the bytes of requests and answers."""
        log = self.server.log()
        work = sum(entry.get("sent", 0) + entry.get("received", 0) for entry in log)
        self._counts = Counts(self._counts.requests + len(log), self._counts.work + work)
        return self._counts

    @contextmanager
    def failing(self) -> Iterator[None]:
        self.server.set_fault(every=1, answer=DENIED)
        try:
            yield
        finally:
            self.server.set_fault()

    @contextmanager
    def read_only(self) -> Iterator[DynamoDBChatStore]:
        self.server.set_fault(every=1, answer=DENIED, actions=WRITES)
        try:
            yield self.open()
        finally:
            self.server.set_fault()

    @contextmanager
    def slow(self) -> Iterator[float]:
        seconds = 0.5
        self.server.set_fault(every=1, hang=seconds)
        try:
            yield seconds
        finally:
            self.server.set_fault()


def backend_of(store: ChatStore) -> DynamoDBBackend:
    """Return a store's backend."""
    backend = store.backend
    assert isinstance(backend, DynamoDBBackend)
    return backend


def client_of(store: ChatStore) -> Any:
    """Return boto3's client of a store."""
    return backend_of(store).clients.get().client
