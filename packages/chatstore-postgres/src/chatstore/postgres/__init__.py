"""Chat history in Postgres."""

from chatstore.postgres.store import PostgresChatStore

__all__ = ["PostgresChatStore"]
