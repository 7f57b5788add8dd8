"""Conversations in any database that can write several items on a condition."""

from chatstore.conditional.backend import ConditionalBackend
from chatstore.conditional.database import Database, HeadWrite, Limits

__all__ = ["ConditionalBackend", "Database", "HeadWrite", "Limits"]
