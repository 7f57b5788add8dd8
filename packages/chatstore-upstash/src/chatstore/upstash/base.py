"""``UpstashChatStore`` under the path that LlamaIndex's store of this kind has."""

from chatstore.upstash.store import UpstashChatStore

__all__ = ["UpstashChatStore"]
