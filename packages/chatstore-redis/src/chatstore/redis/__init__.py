"""Conversations in Redis, on a single server or a cluster."""

from chatstore.redis.store import RedisChatStore

__all__ = ["RedisChatStore"]
