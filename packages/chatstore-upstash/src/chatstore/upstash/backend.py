"""``UpstashBackend``: a backend over Upstash's REST API."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import RetryPolicy
from chatstore.redis_scripts import Clients, Limits, ScriptBackend, Sender
from chatstore.upstash.client_checks import check_client, missing_client
from chatstore.upstash.clients import UpstashClient
from chatstore.upstash.connections import Endpoint
from chatstore.upstash.errors import UpstashErrors
from chatstore.upstash.requests import MAX_REQUEST_BYTES
from chatstore.upstash.settings import UpstashSettings

if TYPE_CHECKING:
    from upstash_redis import Redis
    from upstash_redis.asyncio import Redis as AsyncRedis

    from chatstore.upstash.async_clients import AsyncUpstashClient

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.3  # seconds
_LIMITS = Limits(
    max_request_bytes=MAX_REQUEST_BYTES,
    # Upstash does not document whether the limit is for the answer before or after encoding.
    max_reply_bytes=MAX_REQUEST_BYTES // 2,
    # Upstash charges for each request, and the server may be far away.
    first_page=10_000,
    largest_page=10_000,
)


class UpstashBackend(ScriptBackend):
    """Keeps conversations in Upstash Redis; see `chatstore.upstash.UpstashChatStore`."""

    max_message_bytes = MAX_REQUEST_BYTES - 1024 * 1024
    """A large message is written in several requests, but read in one answer."""

    def __init__(
        self,
        settings: UpstashSettings,
        *,
        client: Redis | None = None,
        async_client: AsyncRedis | None = None,
    ) -> None:
        """Name the database, or take clients; nothing is sent before the first call.

        Args:
            settings: The options of the store.
            client: The caller's client for sync methods.
            async_client: The caller's client for async methods.

        Raises:
            InvalidArgumentError: A client is not one of upstash-redis or is of the other mode, or
                there is neither an address nor a client.

        """
        self._server = settings.server
        checked = check_client(client, settings.timeout)
        async_checked = check_client(async_client, settings.timeout, is_async=True)
        if settings.address is None:
            if client is None and async_client is None:
                raise InvalidArgumentError(
                    "UpstashChatStore needs redis_url and redis_token, or clients; see from_env"
                )
            clients = Clients(
                partial(missing_client, "client"),
                partial(missing_client, "async_client"),
                client=checked,
                async_client=async_checked,
            )
        else:
            limits = settings.max_connections, settings.timeout
            endpoint = Endpoint(settings.address, settings.timeout)
            clients = Clients(
                partial(UpstashClient, endpoint, *limits),
                partial(_make_async, endpoint, *limits),
                client=checked,
                async_client=async_checked,
            )
        policy = RetryPolicy(settings.patience, _FIRST_PAUSE, _LONGEST_PAUSE)
        super().__init__(
            clients,
            Sender(UpstashErrors(), policy, self._server),
            namespace=settings.namespace,
            ttl=settings.ttl,
            limits=_LIMITS,
        )

    @property
    def server(self) -> str:
        """The database's host, without its token."""
        return self._server


def _make_async(endpoint: Endpoint, max_connections: int, timeout: float) -> AsyncUpstashClient:
    from chatstore.upstash.async_clients import AsyncUpstashClient  # a sync program never loads it

    return AsyncUpstashClient(endpoint, max_connections, timeout)
