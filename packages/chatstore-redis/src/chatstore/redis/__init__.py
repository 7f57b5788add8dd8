"""Conversations in Redis, on a single server or a cluster."""

from chatstore.redis.backend import RedisBackend
from chatstore.redis.settings import RedisSettings
from chatstore.redis.store import RedisChatStore

__all__ = ["RedisBackend", "RedisChatStore", "RedisSettings"]
