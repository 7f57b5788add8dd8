"""A database in memory with the primitives, and a store over it."""

from chatstore.conditional.testing.memory import MemoryBackend, MemoryChatStore, MemoryDatabase

__all__ = ["MemoryBackend", "MemoryChatStore", "MemoryDatabase"]
