"""Make the clients of a store from its settings; nothing is opened."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from chatstore.redis.keepalive import KEEPALIVE_OPTIONS
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import RedisSettings
from chatstore.redis_scripts.clients import OwnAsyncClient, OwnClient

# redis-py's retries in a cluster:
_RETRIES = 2  # after a connection broke, or an answer did not come
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds


def make_client(settings: RedisSettings, mode: ServerMode) -> OwnClient:
    """Make the client of all threads."""
    if settings.cluster:
        import redis  # loaded by the first call
        from redis.retry import Retry

        from chatstore.redis.cluster import Cluster

        return Cluster(partial(_cluster_client, redis, Retry, settings), settings)
    from chatstore.redis.connections import Connections

    return Connections(_opener(settings), settings, mode)


def make_async_client(settings: RedisSettings, mode: ServerMode) -> OwnAsyncClient:
    """Make the client of an event loop."""
    if settings.cluster:
        import redis.asyncio  # loaded by the first call
        from redis.asyncio.retry import Retry

        from chatstore.redis.cluster import AsyncCluster

        return AsyncCluster(_cluster_client(redis.asyncio, Retry, settings), settings)
    from chatstore.redis.async_connections import AsyncConnections  # loads redis-py

    return AsyncConnections(settings, mode)


def _opener(settings: RedisSettings) -> Callable[[], Any]:
    """Return a function that makes redis-py's connection to a single server."""
    import redis  # loaded by the first call
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    address = settings.address
    options: dict[str, Any] = {
        **address.connection,
        **_without_driver_name(),
        "retry": Retry(NoBackoff(), 0),  # the plans retry commands
        "protocol": 2,  # needs one round trip less to connect
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
    }
    kind: Any = redis.SSLConnection if address.has_tls else redis.Connection
    if address.is_socket:
        kind = redis.UnixDomainSocketConnection
        return partial(kind, **options)
    return partial(kind, **{**_keepalive(), **options})


def _cluster_client(package: Any, retry: Any, settings: RedisSettings) -> Any:
    """Return redis-py's client of a cluster; the sync client connects at once."""
    import redis  # loaded by the first call
    from redis.backoff import ExponentialBackoff

    backoff = ExponentialBackoff(_LONGEST_PAUSE, _FIRST_PAUSE)
    options = {**_keepalive(), **settings.address.connection}
    options.pop("db", None)
    parameters = inspect.signature(package.RedisCluster.__init__).parameters
    unnamed = _without_driver_name()
    if "kwargs" not in parameters and not unnamed.keys() <= parameters.keys():
        unnamed = {"lib_name": None, "lib_version": None}  # the async client of redis-py 7.2.0
    return package.RedisCluster(
        **options,
        **unnamed,
        ssl=settings.address.has_tls,
        retry=retry(backoff, _RETRIES, supported_errors=(redis.ConnectionError,)),
        socket_timeout=settings.timeout,
        socket_connect_timeout=settings.timeout,
        # `Cluster` limits the calls: redis-py would raise instead of waiting for a connection
        max_connections=settings.max_connections + 1,
        protocol=2,
    )


def _keepalive() -> dict[str, Any]:
    """Return redis-py's options for `KEEPALIVE_OPTIONS`."""
    return {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE_OPTIONS}


@cache
def _without_driver_name() -> dict[str, Any]:
    """Return options that keep redis-py from sending its name, which takes two round trips.

    redis-py would also read its version from the package's metadata for each connection, which
    takes half a millisecond.
    """
    from redis.connection import AbstractConnection  # loaded by the first call

    if "driver_info" not in inspect.signature(AbstractConnection).parameters:
        return {"lib_name": None, "lib_version": None}
    from redis.driver_info import DriverInfo  # new in redis-py 7.2

    return {"driver_info": DriverInfo(name="", lib_version="")}
