"""A double of the service for each test; it starts within a millisecond."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey

sys.path.insert(0, str(Path(__file__).parent))  # pytest's mode `importlib` does not add it

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
