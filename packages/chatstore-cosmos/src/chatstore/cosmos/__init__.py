"""Chat history in Azure Cosmos DB for NoSQL."""

from chatstore.cosmos.backend import CosmosBackend
from chatstore.cosmos.store import CosmosChatStore

__all__ = ["CosmosBackend", "CosmosChatStore"]
