"""redis-py's clients, made when they are needed: one for all threads, one for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

from chatstore.core.loops import PerLoop

_RESENDINGS = 5  # after a connection broke; the scripts know their operations
_CLUSTER_RESENDINGS = 2  # fewer: a cluster's client counts missing answers, too
_CONNECTIONS, _CLUSTER_CONNECTIONS = 64, 1000  # of a client; the latter to each node
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
        from redis.backoff import ExponentialBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        backoff = ExponentialBackoff(_LONGEST_PAUSE, _FIRST_PAUSE)
        retry = Retry(backoff, self._resendings, supported_errors=(redis.ConnectionError,))
        options = {"retry": retry, **self._options()}
        if self._cluster:
            return redis.RedisCluster.from_url(self._url, **options)
        options["retry_on_error"] = [redis.ConnectionError]  # redis-py 5 asks for it again
        pool = redis.BlockingConnectionPool.from_url(self._url, timeout=self._timeout, **options)
        return redis.Redis.from_pool(pool)

    def _make_async(self) -> Any:
        import redis.asyncio  # noqa: PLC0415 - loaded by the first call
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import ExponentialBackoff  # noqa: PLC0415

        backoff = ExponentialBackoff(_LONGEST_PAUSE, _FIRST_PAUSE)
        retry = Retry(backoff, self._resendings, supported_errors=(redis.ConnectionError,))
        options = {"retry": retry, **self._options()}
        if self._cluster:
            return redis.asyncio.RedisCluster.from_url(self._url, **options)
        options["retry_on_error"] = [redis.ConnectionError]  # redis-py 5 asks for it again
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            self._url, timeout=self._timeout, **options
        )
        return redis.asyncio.Redis.from_pool(pool)

    def _options(self) -> dict[str, Any]:
        # A call that is not answered in time is not sent again: that would double the wait.
        return {
            "socket_timeout": self._timeout,
            "socket_connect_timeout": self._timeout,
            # Beyond them calls wait for a connection; a cluster's client cannot wait.
            "max_connections": _CLUSTER_CONNECTIONS if self._cluster else _CONNECTIONS,
        }


def _forget_all() -> None:
    for clients in _all:
        clients.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
