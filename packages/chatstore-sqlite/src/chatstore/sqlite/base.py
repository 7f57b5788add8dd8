"""``SQLiteChatStore`` under the import path of LlamaIndex's store."""

from chatstore.sqlite.store import SQLiteChatStore

__all__ = ["SQLiteChatStore"]
