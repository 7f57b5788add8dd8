"""The module path of LlamaIndex's store, for programs that were written for it."""

from chatstore.azure.store import AzureChatStore

__all__ = ["AzureChatStore"]
