"""Conversations in an SQLite file."""

from chatstore.sqlite.store import SQLiteChatStore

__all__ = ["SQLiteChatStore"]
