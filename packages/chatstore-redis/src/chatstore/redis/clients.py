"""redis-py's clients, made when they are needed: one for all threads, one for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

from chatstore.core.loops import PerLoop

# Of a cluster's client:
_RESENDINGS = 2  # after a connection broke, or an answer did not come
_CONNECTIONS = 1000  # to each node: it cannot wait for one
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

        return self._client_of(redis, Retry, Connections, self._timeout)

    def _make_async(self) -> Any:
        import redis.asyncio  # noqa: PLC0415 - loaded by the first call
        from redis.asyncio.retry import Retry  # noqa: PLC0415

        from chatstore.redis.connections import AsyncConnections  # noqa: PLC0415

        return self._client_of(redis.asyncio, Retry, AsyncConnections, None)

    def _client_of(
        self, package: Any, retry: Any, connections: Any, answer_timeout: float | None
    ) -> Any:
        """Return a client of a colour: redis-py's for a cluster, for one server our own."""
        from redis import ConnectionError as Broken  # noqa: PLC0415 - as above
        from redis.backoff import ExponentialBackoff, NoBackoff  # noqa: PLC0415

        connecting = {"socket_connect_timeout": self._timeout}
        if self._cluster:
            backoff = ExponentialBackoff(_LONGEST_PAUSE, _FIRST_PAUSE)
            return package.RedisCluster.from_url(
                self._url,
                retry=retry(backoff, _RESENDINGS, supported_errors=(Broken,)),
                socket_timeout=self._timeout,
                max_connections=_CONNECTIONS,
                **connecting,
            )
        pool = package.ConnectionPool.from_url(
            self._url,
            retry=retry(NoBackoff(), 0),  # `connections` sends again
            protocol=2,  # one round trip less to connect
            socket_timeout=answer_timeout,
            **connecting,
        )
        # The pool only reads the URL; it is never asked for a connection.
        return connections(lambda: pool.connection_class(**pool.connection_kwargs), self._timeout)


def _forget_all() -> None:
    for clients in _all:
        clients.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
