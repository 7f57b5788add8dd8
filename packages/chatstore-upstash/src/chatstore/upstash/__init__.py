"""Conversations in Upstash Redis, over its REST API."""

from chatstore.upstash.backend import UpstashBackend
from chatstore.upstash.settings import UpstashSettings
from chatstore.upstash.store import UpstashChatStore

__all__ = ["UpstashBackend", "UpstashChatStore", "UpstashSettings"]
