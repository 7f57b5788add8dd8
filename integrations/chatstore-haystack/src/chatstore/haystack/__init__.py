"""Chat history for Haystack, in any store."""

from chatstore.haystack.messages import to_haystack, to_messages
from chatstore.haystack.store import StoredChatMessages

__all__ = ["StoredChatMessages", "to_haystack", "to_messages"]
