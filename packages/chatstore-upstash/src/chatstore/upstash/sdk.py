"""``SdkFactory``: makes clients of upstash-redis, with timeouts and without retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatstore.upstash.address import Address

if TYPE_CHECKING:
    import httpx
    from upstash_redis import Redis
    from upstash_redis.asyncio import Redis as AsyncRedis

_SYNC_TOKEN = "Upstash-Sync-Token"  # noqa: S105 - the name of a header
_EXPLAINED = 400  # the body says the cause; other statuses are themselves the cause


class SdkFactory:
    """Makes the clients of one store.

    All of them send the sync token of the store's last answer, so that each reads what the others
    wrote: https://upstash.com/docs/redis/howto/readyourwrites
    """

    def __init__(self, address: Address, timeout: float) -> None:
        """Open nothing yet.

        Args:
            address: The database.
            timeout: Seconds to wait for a connection, and for each part of an answer.

        """
        self._address = address
        self._timeout = timeout
        self._sync_token = ""

    def make(self) -> Redis:
        """Make a sync client."""
        from upstash_redis import Redis  # loaded by the first call

        client = Redis(**self._options())
        connections = connections_of(client)
        connections.timeout = self._timeout
        connections.event_hooks = {"request": [self._before], "response": [self._after]}
        return client

    def make_async(self) -> AsyncRedis:
        """Make an async client."""
        from upstash_redis.asyncio import Redis  # loaded by the first call

        client = Redis(**self._options())
        connections = connections_of(client)
        connections.timeout = self._timeout
        connections.event_hooks = {"request": [self._async_before], "response": [self._async_after]}
        return client

    def _options(self) -> dict[str, Any]:
        return {
            "url": self._address.url,
            "token": self._address.token,
            "rest_retries": 0,
            "read_your_writes": False,  # the SDK would keep one token for each client
        }

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


def connections_of(client: Any) -> Any:
    """Return the httpx client of a client of upstash-redis; ``None`` for anything else."""
    http = getattr(client, "_http", None)  # the SDK has no public option for timeouts
    return getattr(http, "_client", None)
