"""Chat history in Upstash Redis, over its REST API."""

from chatstore.upstash.store import UpstashChatStore

__all__ = ["UpstashChatStore"]
