"""``UpstashChatStore`` under the import path of LlamaIndex's store."""

from chatstore.upstash.store import UpstashChatStore

__all__ = ["UpstashChatStore"]
