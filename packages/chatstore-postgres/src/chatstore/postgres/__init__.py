"""Chat history in Postgres."""

from chatstore.postgres.backend import PostgresBackend
from chatstore.postgres.store import PostgresChatStore

__all__ = ["PostgresBackend", "PostgresChatStore"]
