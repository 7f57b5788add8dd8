"""A database in memory with the primitives, and a store on it."""

from chatstore.conditional.testing.memory import MemoryChatStore, MemoryDatabase

__all__ = ["MemoryChatStore", "MemoryDatabase"]
