"""``RedisChatStore`` under the import path of LlamaIndex's store."""

from chatstore.redis.store import RedisChatStore

__all__ = ["RedisChatStore"]
