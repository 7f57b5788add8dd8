"""Real redis-servers for tests, on free ports of the loopback interface."""

from chatstore.redis_scripts.testing.expiry import expire_earlier
from chatstore.redis_scripts.testing.servers import RedisServer, find_redis_server, redis_server

__all__ = ["RedisServer", "expire_earlier", "find_redis_server", "redis_server"]
