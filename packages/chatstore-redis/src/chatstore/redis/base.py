"""``RedisChatStore`` under the path that LlamaIndex's store of this kind has."""

from chatstore.redis.store import RedisChatStore

__all__ = ["RedisChatStore"]
