"""Upstash's clients, made when they are needed: one for all threads, one for each event loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import ClientPerLoop, ForkAware, keep_inherited, watch
from chatstore.upstash.address import Address
from chatstore.upstash.renewing import AsyncRenewingClient, RenewingClient

if TYPE_CHECKING:
    import httpx
    from upstash_redis import Redis
    from upstash_redis.asyncio import Redis as AsyncRedis

_SYNC_TOKEN = "Upstash-Sync-Token"  # noqa: S105 - the name of a header
_EXPLAINED = 400  # the body of this status tells the cause; of other refusals the status does


class Settings(NamedTuple):
    """How a store talks to its database.

    Attributes:
        timeout: Seconds to wait for a connection, and for each part of an answer.
        patience: Seconds for which a request is sent again.
        max_connections: The most requests at once, of all threads and of each event loop.

    """

    timeout: float
    patience: float
    max_connections: int


class Clients(ForkAware):
    """Makes clients with timeouts and without retries of their own, and closes them."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Note where and how; nothing is opened."""
        self._address = address
        self._settings = settings
        self._sync_token = ""
        self._on_loops: ClientPerLoop[AsyncRenewingClient] = ClientPerLoop(
            lambda: AsyncRenewingClient(
                self._make_async, settings.max_connections, settings.timeout
            ),
            lambda client: client.close(),
        )
        self._begin()
        watch(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client: RenewingClient | None = None

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._client)
        self._begin()

    def for_threads(self) -> RenewingClient:
        """Return the client that all threads share."""
        with self._lock:
            if self._client is None:
                settings = self._settings
                self._client = RenewingClient(
                    self._make, settings.max_connections, settings.timeout
                )
            return self._client

    async def for_loop(self) -> AsyncRenewingClient:
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

    def _make(self) -> Redis:
        from upstash_redis import Redis  # noqa: PLC0415 - loaded by the first call

        client = Redis(**self._options())
        connections = _connections(client)
        connections.timeout = self._settings.timeout
        connections.event_hooks = {"request": [self._before], "response": [self._after]}
        return client

    def _make_async(self) -> AsyncRedis:
        from upstash_redis.asyncio import Redis  # noqa: PLC0415 - loaded by the first call

        client = Redis(**self._options())
        connections = _connections(client)
        connections.timeout = self._settings.timeout
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
        InvalidArgumentError: It is not a client of upstash-redis, or one of the other mode.

    """
    import httpx  # noqa: PLC0415 - loaded, as there is a client

    name, other = "redis_client", "async_redis_client"
    expected = "upstash_redis.Redis"
    wrong: type[httpx.Client | httpx.AsyncClient] = httpx.AsyncClient
    right: type[httpx.Client | httpx.AsyncClient] = httpx.Client
    if is_async:
        name, other = other, name
        expected, wrong, right = "upstash_redis.asyncio.Redis", httpx.Client, httpx.AsyncClient
    connections = getattr(getattr(client, "_http", None), "_client", None)
    if isinstance(connections, wrong):
        raise InvalidArgumentError(f"{name} must be an {expected}; give this client as {other}")
    if not isinstance(connections, right) or not hasattr(client, "execute"):
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise InvalidArgumentError(f"{name} must be an {expected}, not {kind}")
    if connections.timeout == httpx.Timeout(None):
        connections.timeout = timeout


def _connections(client: Redis | AsyncRedis) -> httpx.Client | httpx.AsyncClient:
    return client._http._client  # noqa: SLF001 - there is no other way to its timeouts
