"""The module path of LlamaIndex's store, for programs that were written for it."""

from chatstore.postgres.store import PostgresChatStore

__all__ = ["PostgresChatStore"]
