"""Conversations on any database with a conditional write of several items."""

from chatstore.conditional.database import Database, Limits
from chatstore.conditional.store import RecordsChatStore

__all__ = ["Database", "Limits", "RecordsChatStore"]
