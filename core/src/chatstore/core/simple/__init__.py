"""``SimpleChatStore``: conversations in memory or in a JSON file."""

from chatstore.core.simple.backend import MemoryBackend
from chatstore.core.simple.conversations import Conversation, Conversations
from chatstore.core.simple.store import SimpleChatStore

__all__ = ["Conversation", "Conversations", "MemoryBackend", "SimpleChatStore"]
