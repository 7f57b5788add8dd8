"""A double of the service for each test; it starts within a millisecond."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey

from chatstore.cosmos.address import Address
from chatstore.cosmos.clients import CosmosClients
from chatstore.cosmos.settings import CosmosSettings

sys.path.insert(0, str(Path(__file__).parent))  # pytest's mode `importlib` does not add it

from cosmos_database_calls import Call, calls
from cosmos_double import CosmosDouble


@pytest.fixture
def double() -> Iterator[CosmosDouble]:
    service = CosmosDouble()
    yield service
    service.close()
    assert service.errors == []


@pytest.fixture
def client(double: CosmosDouble) -> Iterator[CosmosClient]:
    """Open the SDK's client of the double."""
    with CosmosClient(double.endpoint, double.key, retry_throttle_total=2) as client:
        yield client


@pytest.fixture
def container(client: CosmosClient) -> ContainerProxy:
    """Create a container."""
    database = client.create_database("chats")
    return database.create_container("messages", PartitionKey("/conversation"), default_ttl=-1)


@pytest.fixture
def clients(double: CosmosDouble) -> Iterator[CosmosClients]:
    """Make the clients of a store."""
    address = Address(double.endpoint, "chats", "messages")
    clients = CosmosClients(CosmosSettings(address, double.key, timeout=60.0, max_connections=8))
    yield clients
    clients.close()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, clients: CosmosClients) -> Iterator[Call]:
    """Run plans in one mode."""
    yield from calls(clients, is_async=request.param == "async")
