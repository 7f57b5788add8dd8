"""Upstash's clients, made when they are needed: one for all threads, one for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from chatstore.core import InvalidArgumentError
from chatstore.core.loops import PerLoop
from chatstore.upstash.address import Address

if TYPE_CHECKING:
    import httpx
    from upstash_redis import Redis
    from upstash_redis.asyncio import Redis as AsyncRedis

_all: weakref.WeakSet[Clients] = weakref.WeakSet()
_inherited: list[object] = []  # a forked child must neither use nor end its parent's connections
_SYNC_TOKEN = "Upstash-Sync-Token"  # noqa: S105 - the name of a header
_EXPLAINED = 400  # its body tells why; of other refusals the status does


class Clients:
    """Makes clients with timeouts and without blind retries, and closes them."""

    def __init__(self, address: Address, timeout: float) -> None:
        """Note where and how; nothing is opened."""
        self._address = address
        self._timeout = timeout
        self._sync_token = ""
        self._on_loops = PerLoop(self._make_async, lambda client: client.close())
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client: Redis | None = None

    def forget(self) -> None:
        """Begin anew in a forked child."""
        _inherited.append(self._client)
        self._begin()

    def for_threads(self) -> Redis:
        """Return the client that all threads share."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    async def for_loop(self) -> AsyncRedis:
        """Return the client of the running event loop."""
        return await self._on_loops.get()

    def close(self) -> None:
        """Close the threads' client; those of event loops are closed on their loops."""
        client: Any
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self._on_loops.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed at the return."""
        await self._on_loops.async_close()
        self.close()

    def _make(self) -> Redis:
        from upstash_redis import Redis  # noqa: PLC0415 - loaded by the first call

        client = Redis(**self._options())
        connections = _connections(client)
        connections.timeout = self._timeout
        connections.event_hooks = {"request": [self._before], "response": [self._after]}
        return client

    def _make_async(self) -> AsyncRedis:
        from upstash_redis.asyncio import Redis  # noqa: PLC0415 - loaded by the first call

        client = Redis(**self._options())
        connections = _connections(client)
        connections.timeout = self._timeout
        connections.event_hooks = {"request": [self._async_before], "response": [self._async_after]}
        return client

    def _options(self) -> dict[str, Any]:
        return {
            "url": self._address.url,
            "token": self._address.token,
            "rest_retries": 0,
            "read_your_writes": False,  # one token for all clients of the store, below
        }

    # What one client wrote the others read: https://upstash.com/docs/redis/howto/readyourwrites

    def _before(self, request: httpx.Request) -> None:
        if self._sync_token:
            request.headers[_SYNC_TOKEN] = self._sync_token

    def _after(self, response: httpx.Response) -> None:
        self._sync_token = response.headers.get(_SYNC_TOKEN, self._sync_token)
        if response.status_code != _EXPLAINED:
            response.raise_for_status()

    async def _async_before(self, request: httpx.Request) -> None:
        self._before(request)

    async def _async_after(self, response: httpx.Response) -> None:
        self._after(response)


def limit_given(client: object, timeout: float, *, is_async: bool) -> None:
    """Give timeouts to a client that has none, as upstash-redis makes them.

    Raises:
        InvalidArgumentError: It is no client of upstash-redis, or one of the other colour.

    """
    import httpx  # noqa: PLC0415 - loaded, as there is a client

    connections = getattr(getattr(client, "_http", None), "_client", None)
    if not isinstance(connections, httpx.AsyncClient if is_async else httpx.Client):
        message = (
            "redis_client must be an upstash_redis.Redis, "
            "async_redis_client an upstash_redis.asyncio.Redis"
        )
        raise InvalidArgumentError(message)
    if connections.timeout == httpx.Timeout(None):
        connections.timeout = timeout


def _connections(client: Redis | AsyncRedis) -> httpx.Client | httpx.AsyncClient:
    return client._http._client  # noqa: SLF001 - there is no other way to its timeouts


def _forget_all() -> None:
    for clients in _all:
        clients.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
