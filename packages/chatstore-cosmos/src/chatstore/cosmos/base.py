"""The module path of LlamaIndex's store, for programs that were written for it."""

from chatstore.cosmos.store import CosmosChatStore

AzureCosmosNoSqlChatStore = CosmosChatStore

__all__ = ["AzureCosmosNoSqlChatStore", "CosmosChatStore"]
