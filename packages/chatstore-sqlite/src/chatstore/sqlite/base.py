"""The module path that LlamaIndex's package of this name has."""

from chatstore.sqlite.store import SQLiteChatStore

__all__ = ["SQLiteChatStore"]
