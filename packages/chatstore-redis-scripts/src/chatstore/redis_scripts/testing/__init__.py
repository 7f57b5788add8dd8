"""A real redis-server for tests, on a free port of loopback."""

from chatstore.redis_scripts.testing.servers import RedisServer, find_redis_server, redis_server

__all__ = ["RedisServer", "find_redis_server", "redis_server"]
