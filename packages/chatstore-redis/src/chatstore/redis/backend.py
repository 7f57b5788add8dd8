"""``RedisBackend``: a backend over redis-py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chatstore.core.backend import RetryPolicy
from chatstore.redis.client_checks import check_client, missing_client
from chatstore.redis.errors import RedisErrors
from chatstore.redis.factory import make_async_client, make_client
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import RedisSettings
from chatstore.redis_scripts import Clients, ScriptBackend, Sender

if TYPE_CHECKING:
    import redis
    import redis.asyncio

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds


class RedisBackend(ScriptBackend):
    """Keeps conversations in Redis; see `chatstore.redis.RedisChatStore`."""

    max_message_bytes = 256 * 1024 * 1024
    """Redis strings have at most 512 MB: https://redis.io/docs/latest/develop/data-types/strings/."""

    def __init__(
        self,
        settings: RedisSettings,
        *,
        client: redis.Redis | redis.RedisCluster | None = None,
        async_client: redis.asyncio.Redis | redis.asyncio.RedisCluster | None = None,
    ) -> None:
        """Name the server, or take clients; nothing is sent before the first call.

        Args:
            settings: The options of the store.
            client: The caller's client for sync methods.
            async_client: The caller's client for async methods.

        Raises:
            InvalidArgumentError: A client is not one of redis-py, or is of the other mode.

        """
        self._server = settings.address.server
        if client is None and async_client is None:
            mode = ServerMode(self._server)
            clients = Clients(
                partial(make_client, settings, mode), partial(make_async_client, settings, mode)
            )
            policy = RetryPolicy(settings.patience, _FIRST_PAUSE, _LONGEST_PAUSE)
        else:
            self._server = "Redis (a client of the caller)"
            clients = Clients(
                partial(missing_client, "client"),
                partial(missing_client, "async_client"),
                client=check_client(client, self._server),
                async_client=check_client(async_client, self._server, is_async=True),
            )
            policy = RetryPolicy(0, attempts=1)  # the client has its own retries
        super().__init__(
            clients,
            Sender(RedisErrors(), policy, self._server),
            namespace=settings.namespace,
            ttl=settings.ttl,
            is_cluster=settings.cluster or _is_cluster(client) or _is_cluster(async_client),
        )

    @property
    def server(self) -> str:
        """The server's host and port, or the path of its socket, without secrets."""
        return self._server


def _is_cluster(client: object) -> bool:
    return hasattr(client, "get_primaries")
