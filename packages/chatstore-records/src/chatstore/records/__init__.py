"""Conversations on any database with a conditional write of several items."""

from chatstore.records.database import Database, Limits
from chatstore.records.store import RecordsChatStore

__all__ = ["Database", "Limits", "RecordsChatStore"]
