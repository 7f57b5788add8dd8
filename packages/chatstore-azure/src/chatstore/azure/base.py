"""The import path of LlamaIndex's store, under this package's name."""

from chatstore.azure.store import AzureChatStore

__all__ = ["AzureChatStore"]
