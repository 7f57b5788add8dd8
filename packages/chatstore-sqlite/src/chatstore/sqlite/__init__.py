"""Conversations in an SQLite file."""

from chatstore.sqlite.backend import SQLiteBackend
from chatstore.sqlite.store import SQLiteChatStore

__all__ = ["SQLiteBackend", "SQLiteChatStore"]
