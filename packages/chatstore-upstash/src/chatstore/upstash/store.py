"""``UpstashChatStore``: conversations in Upstash Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import Self

from chatstore.core import ChatStore
from chatstore.upstash.address import address_from_env, check_address, read_url
from chatstore.upstash.backend import UpstashBackend
from chatstore.upstash.settings import make_settings

if TYPE_CHECKING:
    from upstash_redis import Redis
    from upstash_redis.asyncio import Redis as AsyncRedis


class UpstashChatStore(ChatStore):
    """Keeps conversations in Upstash Redis, over its REST API.

    The layout is that of `chatstore.redis`: each package reads what the other wrote. Each call is
    one script and one request. A request whose connection broke is sent again; the database
    recognizes a call that has already taken effect.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        redis_token: str | None = None,
        *,
        client: Redis | None = None,
        async_client: AsyncRedis | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        namespace: str | None = None,
    ) -> None:
        """Name the database, or pass clients; nothing is sent before the first call.

        Args:
            redis_url: The database's REST URL, ``https://….upstash.io``.
            redis_token: The database's standard REST token.
            client: Your own client for sync methods. It keeps its retries (they do no harm), gets
                ``timeout`` if it has none, and is never closed.
            async_client: The same for async methods, on its one event loop.
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            timeout: Seconds to wait for a connection, and for each part of an answer; 10 by
                default.
            patience: Seconds for which a request is sent again when its connection broke or the
                service cannot serve it at the moment; 1 by default. With 0 it is sent again at most
                once, since an idle connection may have been closed.
            max_connections: The most requests, and so connections, at once: of all threads, and of
                each event loop; 64 by default. Further calls wait for ``timeout`` seconds. It does
                not apply to your own clients.
            namespace: The beginning of all keys of this store; ``chatstore`` by default. Stores
                with other namespaces share the database and never see each other's data.

        Raises:
            InvalidArgumentError: The URL, the token, an option or a client is not valid, or there
                is neither a URL nor a client.

        """
        has_address = redis_url is not None or redis_token is not None
        settings = make_settings(
            check_address(redis_url, redis_token) if has_address else None,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            namespace=namespace,
        )
        super().__init__(UpstashBackend(settings, client=client, async_client=async_client))

    @classmethod
    def from_env(
        cls,
        *,
        client: Redis | None = None,
        async_client: AsyncRedis | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        namespace: str | None = None,
    ) -> Self:
        """Open the database of ``UPSTASH_REDIS_REST_URL`` and ``UPSTASH_REDIS_REST_TOKEN``.

        Args:
            client: As in the constructor.
            async_client: As in the constructor.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            namespace: As in the constructor.

        Raises:
            InvalidArgumentError: A variable is missing, or a variable, an option or a client is not
                valid.

        """
        return cls(
            *address_from_env(),
            client=client,
            async_client=async_client,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            namespace=namespace,
        )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        client: Redis | None = None,
        async_client: AsyncRedis | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        namespace: str | None = None,
    ) -> Self:
        """Open ``upstash://:TOKEN@host?ttl=3600&namespace=chatstore``.

        ``upstash://`` without a host takes the database from the environment, as `from_env` does;
        ``upstash+http://`` is for a proxy without TLS. Reserved characters of the token are
        percent-encoded.

        Args:
            url: The URL; its options are those below, except for the clients.
            client: As in the constructor.
            async_client: As in the constructor.
            ttl: As in the constructor; overrides the URL's, as the other options do.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            namespace: As in the constructor.

        Raises:
            InvalidArgumentError: The URL does not have this form, has an unknown option, or an
                option or a client is not valid.

        """
        address, options = read_url(url)
        arguments = {
            "ttl": ttl,
            "timeout": timeout,
            "patience": patience,
            "max_connections": max_connections,
            "namespace": namespace,
        }
        options.update((name, value) for name, value in arguments.items() if value is not None)
        return cls(*address, client=client, async_client=async_client, **options)
