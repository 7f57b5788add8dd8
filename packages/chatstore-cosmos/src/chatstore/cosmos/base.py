"""The import path of LlamaIndex's store, under this package's name."""

from chatstore.cosmos.store import CosmosChatStore

AzureCosmosNoSqlChatStore = CosmosChatStore

__all__ = ["AzureCosmosNoSqlChatStore", "CosmosChatStore"]
