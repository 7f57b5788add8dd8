"""The path by which programs written for LlamaIndex's store import this one."""

from chatstore.azure.store import AzureChatStore

__all__ = ["AzureChatStore"]
