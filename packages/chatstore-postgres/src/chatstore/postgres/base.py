"""The path by which programs written for LlamaIndex's store import this one."""

from chatstore.postgres.store import PostgresChatStore

__all__ = ["PostgresChatStore"]
