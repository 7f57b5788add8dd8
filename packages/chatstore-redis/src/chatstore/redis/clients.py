"""redis-py's clients, made when they are needed: one for all threads, one for each event loop."""

from __future__ import annotations

import inspect
import socket
import threading
from functools import cache
from typing import Any

from chatstore.core.backend import ClientPerLoop, ForkAware, keep_inherited, watch
from chatstore.redis.address import Address
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import Settings

# Of a cluster's client:
_RESENDINGS = 2  # after a connection broke, or an answer did not come
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds

_KEEPALIVE_SECONDS = 30  # without traffic until the system checks a connection
_KEEPALIVE_PROBES = 4
_KEEPALIVE_INTERVAL = 5  # seconds


class Clients(ForkAware):
    """Makes clients with timeouts and few retries, and closes them."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Note where and how; nothing is opened."""
        self._address = address
        self._settings = settings
        self._mode = ServerMode(address.place)
        self._on_loops: ClientPerLoop[Any] = ClientPerLoop(
            self._make_async, lambda client: client.aclose()
        )
        self._begin()
        watch(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client: Any | None = None

    def for_threads(self) -> Any:
        """Return the client that all threads share."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._make()
        return self._client

    async def for_loop(self) -> Any:
        """Return the client of the running event loop."""
        return await self._on_loops.get()

    def close(self) -> None:
        """Close the threads' client; those of event loops are closed on their loops."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self._on_loops.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed at the return."""
        await self._on_loops.async_close()
        self.close()

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._client)
        self._begin()

    def _make(self) -> Any:
        import redis  # noqa: PLC0415 - loaded by the first call
        from redis.retry import Retry  # noqa: PLC0415

        if self._settings.is_cluster:
            from chatstore.redis.cluster import Cluster  # noqa: PLC0415

            return Cluster(lambda: self._cluster(redis, Retry), self._settings, self._address.place)
        from chatstore.redis.connections import Connections  # noqa: PLC0415

        make = self._connection(redis, Retry, self._settings.timeout)
        return Connections(make, self._settings, self._address.place, self._mode)

    def _make_async(self) -> Any:
        import redis.asyncio  # noqa: PLC0415 - loaded by the first call
        from redis.asyncio.retry import Retry  # noqa: PLC0415

        if self._settings.is_cluster:
            from chatstore.redis.cluster import AsyncCluster  # noqa: PLC0415

            client = self._cluster(redis.asyncio, Retry)
            return AsyncCluster(client, self._settings, self._address.place)
        from chatstore.redis.connections import AsyncConnections  # noqa: PLC0415

        make = self._connection(redis.asyncio, Retry, None)
        return AsyncConnections(make, self._settings, self._address.place, self._mode)

    def _connection(self, package: Any, retry: Any, answer_timeout: float | None) -> Any:
        """Return what makes a connection to a single server."""
        from redis.backoff import NoBackoff  # noqa: PLC0415 - loaded by the first call

        address = self._address
        options: dict[str, Any] = {
            **address.connection,
            **_unnamed(),
            "retry": retry(NoBackoff(), 0),  # `retrying` sends again
            "protocol": 2,  # one round trip less to connect
            "socket_timeout": answer_timeout,
            "socket_connect_timeout": self._settings.timeout,
        }
        if address.is_socket:
            kind = package.UnixDomainSocketConnection
        else:
            options = {**_keepalive(), **options}
            kind = package.SSLConnection if address.has_tls else package.Connection
        return lambda: kind(**options)

    def _cluster(self, package: Any, retry: Any) -> Any:
        """Return redis-py's client of a cluster; the sync one asks for the nodes at once."""
        import redis  # noqa: PLC0415 - loaded by the first call
        from redis.backoff import ExponentialBackoff  # noqa: PLC0415

        backoff = ExponentialBackoff(_LONGEST_PAUSE, _FIRST_PAUSE)
        options = {**_keepalive(), **self._address.connection, **_unnamed()}
        options.pop("db", None)
        return package.RedisCluster(
            **options,
            ssl=self._address.has_tls,
            retry=retry(backoff, _RESENDINGS, supported_errors=(redis.ConnectionError,)),
            socket_timeout=self._settings.timeout,
            socket_connect_timeout=self._settings.timeout,
            # `Cluster` bounds the calls; redis-py raises instead of waiting for a connection.
            max_connections=self._settings.max_connections + 1,
            protocol=2,
        )


def _keepalive() -> dict[str, Any]:
    """Have the system find connections that a firewall dropped."""
    wanted = {
        "TCP_KEEPIDLE": _KEEPALIVE_SECONDS,
        "TCP_KEEPINTVL": _KEEPALIVE_INTERVAL,
        "TCP_KEEPCNT": _KEEPALIVE_PROBES,
    }
    options = {
        getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)
    }
    return {"socket_keepalive": True, "socket_keepalive_options": options}


@cache
def _unnamed() -> dict[str, Any]:
    """Keep redis-py from sending its name, for two round trips, and from looking up its version.

    It reads the version from the package's metadata for each connection, in half a millisecond.
    """
    from redis.connection import AbstractConnection  # noqa: PLC0415 - loaded by the first call

    if "driver_info" not in inspect.signature(AbstractConnection).parameters:
        return {"lib_name": None, "lib_version": None}
    from redis.driver_info import DriverInfo  # noqa: PLC0415 - there since redis-py 7.2

    return {"driver_info": DriverInfo(name="", lib_version="")}
