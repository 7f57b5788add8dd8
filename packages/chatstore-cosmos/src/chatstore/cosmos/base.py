"""The path by which programs written for LlamaIndex's store import this one."""

from chatstore.cosmos.store import CosmosChatStore

AzureCosmosNoSqlChatStore = CosmosChatStore

__all__ = ["AzureCosmosNoSqlChatStore", "CosmosChatStore"]
