"""redis-py's clients, made when they are needed: one for all threads, one for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from chatstore.core.loops import PerLoop

_RESENDINGS = 5  # after a connection broke; the scripts know their operations
_CLUSTER_RESENDINGS = 2  # fewer: a cluster's client counts missing answers, too
_CONNECTIONS = 64  # beyond them calls wait for one
_CLUSTER_CONNECTIONS = 1000  # to each node: a cluster's client cannot wait
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds
_all: weakref.WeakSet[Clients] = weakref.WeakSet()
_inherited: list[object] = []


class Clients:
    """Makes clients with timeouts and few retries, and closes them."""

    def __init__(self, url: str, timeout: float, *, cluster: bool) -> None:
        """Note where and how; nothing is opened."""
        self._url = url
        self._timeout = timeout
        self._cluster = cluster
        self._resendings = _CLUSTER_RESENDINGS if cluster else _RESENDINGS
        self._on_loops = PerLoop(self._make_async, lambda client: client.aclose())
        self._begin()
        _all.add(self)

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
        client = await self._on_loops.get()
        if self._cluster:
            # Before it knows its nodes, redis-py's client cannot run commands side by side.
            await client.initialize()
        return client

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

    def forget(self) -> None:
        """Begin anew in a forked child."""
        _inherited.append(self._client)
        self._begin()

    def _make(self) -> Any:
        import redis  # noqa: PLC0415 - loaded by the first call
        from redis.retry import Retry  # noqa: PLC0415

        from chatstore.redis.connections import Connections  # noqa: PLC0415

        retry = self._retry(Retry)
        bounds = {"socket_timeout": self._timeout, "socket_connect_timeout": self._timeout}
        if self._cluster:
            most = {"max_connections": _CLUSTER_CONNECTIONS}
            return redis.RedisCluster.from_url(self._url, retry=retry, **bounds, **most)
        pool = redis.ConnectionPool.from_url(self._url, **_of_one(Retry), **bounds)
        return Connections(_maker(pool), retry, _CONNECTIONS, self._timeout)

    def _make_async(self) -> Any:
        import redis.asyncio  # noqa: PLC0415 - loaded by the first call
        from redis.asyncio.retry import Retry  # noqa: PLC0415

        from chatstore.redis.connections import AsyncConnections  # noqa: PLC0415

        retry = self._retry(Retry)
        bounds: dict[str, float | None]
        bounds = {"socket_timeout": self._timeout, "socket_connect_timeout": self._timeout}
        if self._cluster:
            most = {"max_connections": _CLUSTER_CONNECTIONS}
            return redis.asyncio.RedisCluster.from_url(self._url, retry=retry, **bounds, **most)
        bounds["socket_timeout"] = None  # as `AsyncConnections` asks for
        pool = redis.asyncio.ConnectionPool.from_url(self._url, **_of_one(Retry), **bounds)
        return AsyncConnections(_maker(pool), retry, _CONNECTIONS, self._timeout)

    def _retry(self, kind: type[Any]) -> Any:
        # A call that is not answered in time is not sent again: that would double the wait.
        import redis  # noqa: PLC0415 - loaded by the first call
        from redis.backoff import ExponentialBackoff  # noqa: PLC0415

        backoff = ExponentialBackoff(_LONGEST_PAUSE, _FIRST_PAUSE)
        return kind(backoff, self._resendings, supported_errors=(redis.ConnectionError,))


def _of_one(retry: type[Any]) -> dict[str, Any]:
    """Return the options of a connection that others send again on, over the plain protocol."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - loaded by the first call

    return {"retry": retry(NoBackoff(), 0), "protocol": 2}


def _maker(pool: Any) -> Callable[[], Any]:
    """Return what makes the connections of a pool that is never asked for one itself."""
    return lambda: pool.connection_class(**pool.connection_kwargs)


def _forget_all() -> None:
    for clients in _all:
        clients.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
