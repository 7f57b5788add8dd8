"""Chat history in Azure Table Storage and the Table API of Cosmos DB."""

from chatstore.azure.backend import AzureBackend
from chatstore.azure.store import AzureChatStore

__all__ = ["AzureBackend", "AzureChatStore"]
