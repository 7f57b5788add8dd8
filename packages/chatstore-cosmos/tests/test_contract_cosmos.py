"""Cosmos DB keeps every promise of the contract.

The tests run on the double, and also on the account in ``CHATSTORE_COSMOS_ENDPOINT`` and
``CHATSTORE_COSMOS_KEY`` if they are set. There they cost request units, and delete what they wrote.
Its consistency should be strong, since the contract reads with several stores.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from cosmos_double import CosmosDouble, Fault
from mistakes import refused_port

from chatstore.core import ChatStore
from chatstore.core.backend import Newest
from chatstore.core.testing import ContractHarness, ProcessContract
from chatstore.core.testing.harness import Counts
from chatstore.cosmos import CosmosChatStore
from chatstore.cosmos.keys import encode

if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    from chatstore.core.testing import ChatStoreContract as Contract
else:  # mixed calls of both modes are tested only in the long run
    from chatstore.core.testing import SyncAsyncContract as Contract

ENDPOINT = os.environ.get("CHATSTORE_COSMOS_ENDPOINT")
KEY = os.environ.get("CHATSTORE_COSMOS_KEY")


class CosmosHarness(ContractHarness):
    own_clock = True

    def __init__(self, endpoint: str, key: str) -> None:
        self.endpoint = endpoint
        self.key = key
        self.database = f"test-{uuid.uuid4()}"

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> CosmosChatStore:
        return CosmosChatStore.from_account_and_key(
            self.endpoint, self.key, database=self.database, ttl=ttl, clock=clock or time.time
        )

    def opener(self) -> Callable[[], CosmosChatStore]:
        return partial(
            CosmosChatStore.from_account_and_key, self.endpoint, self.key, database=self.database
        )

    def corrupt(self, key: str, index: int) -> None:
        with self._record(key, index) as (container, record):
            container.replace_item(record["id"], {**record, "body": "{"})

    def lose(self, key: str, index: int) -> None:
        with self._record(key, index) as (container, record):
            container.delete_item(record["id"], encode(key))

    def reclaim(self, store: ChatStore) -> None:
        store.purge_expired()

    def unreachable(self) -> ChatStore:
        return CosmosChatStore(
            f"http://127.0.0.1:{refused_port()}/", self.key, timeout=0.5, patience=0.5
        )

    @contextmanager
    def _record(self, key: str, index: int) -> Iterator[tuple[ContainerProxy, dict[str, Any]]]:
        """Provide the item of a message, which contains its body."""
        with self.open() as store:
            backend = store.backend
            body = backend.run(backend.read_newest(key, Newest())).records[index].body
        with CosmosClient(self.endpoint, self.key) as client:
            container = client.get_database_client(self.database).get_container_client("messages")
            items = container.query_items("SELECT * FROM c", partition_key=encode(key))
            [record] = [item for item in items if body in str(item.get("body"))]
            yield container, record

    def drop(self) -> None:
        with CosmosClient(self.endpoint, self.key) as client:
            client.delete_database(self.database)


class DoubleHarness(CosmosHarness):
    """The double, which records requests."""

    def __init__(self, double: CosmosDouble) -> None:
        super().__init__(double.endpoint, double.key)
        self.double = double

    def counts(self) -> Counts:
        requests = list(self.double.requests)
        return Counts(len(requests), sum(one.units for one in requests))

    def stored(self) -> int:
        """Count everything but heads, which stay for three days."""
        database = self.double.service.databases.get(self.database, {})
        return sum(
            (version.document or {})["id"] != "head"
            for container in database.values()
            for version in container.documents.scan(None)
        )

    @contextmanager
    def failing(self) -> Iterator[None]:
        self.double.fault = lambda request: Fault(403, substatus=5300)
        yield
        self.double.fault = lambda request: None

    @contextmanager
    def read_only(self) -> Iterator[CosmosChatStore]:
        denied = Fault(403, substatus=5300)
        self.double.fault = lambda request: denied if request.kind == "batch" else None
        yield self.open()
        self.double.fault = lambda request: None

    @contextmanager
    def slow(self) -> Iterator[float]:
        self.double.delay = 0.3
        yield self.double.delay
        self.double.delay = 0.0


class TestCosmosContract(Contract, ProcessContract):
    @pytest.fixture(params=["double", "account"] if ENDPOINT and KEY else ["double"])
    def harness(self, request: pytest.FixtureRequest) -> Iterator[CosmosHarness]:
        if request.param == "account":
            harness = CosmosHarness(ENDPOINT or "", KEY or "")
            yield harness
            harness.drop()
        else:
            double: CosmosDouble = request.getfixturevalue("double")
            yield DoubleHarness(double)
