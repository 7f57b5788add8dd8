"""``RedisChatStore``: conversations in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import Self

from chatstore.core import ChatStore
from chatstore.redis.backend import RedisBackend
from chatstore.redis.settings import read_settings

if TYPE_CHECKING:
    import redis
    import redis.asyncio


class RedisChatStore(ChatStore):
    """Keeps conversations in Redis, Valkey or a service that speaks their protocol.

    Each call is one script and one round trip, on a server or on one node of a cluster. A command
    whose connection broke is sent again; the server recognizes a call that has already taken
    effect. The server's persistence and replication decide how durable an answered write is.
    """

    def __init__(
        self,
        redis_url: str = "redis://localhost:6379",
        *,
        client: redis.Redis | redis.RedisCluster | None = None,
        async_client: redis.asyncio.Redis | redis.asyncio.RedisCluster | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        namespace: str | None = None,
        cluster: bool | None = None,
    ) -> None:
        """Name the server, or pass clients; nothing is sent before the first call.

        Each option can be in the URL instead: ``redis://localhost?ttl=3600&namespace=support``. An
        argument that is not ``None`` overrides the URL's option.

        Args:
            redis_url: ``redis://``, ``rediss://`` (TLS) or ``unix://``. Besides the store's options
                it takes ``db``, ``username``, ``password``, ``client_name``,
                ``socket_keepalive`` and, with TLS, ``ssl_ca_certs``, ``ssl_certfile``,
                ``ssl_keyfile``, ``ssl_cert_reqs`` (``required`` or ``none``) and
                ``ssl_check_hostname``. If you pass a client, only the store's options in the
                URL are used.
            client: Your own client for sync methods, such as one from Sentinel. It keeps its
                timeouts, retries (they do no harm) and connections, and is never closed.
            async_client: The same for async methods, on its one event loop. If only one of the
                two is given, methods of the other mode raise `InvalidArgumentError`.
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            timeout: Seconds to wait for a connection, and for each answer; 5 by default.
            patience: Seconds for which a command is sent again when its connection broke or the
                server cannot serve it at the moment, as during a failover; 1 by default, 0: never.
            max_connections: The most connections of all threads, and of each event loop; in a
                cluster, to each node; 64 by default. Further calls wait.
            namespace: The beginning of all keys of this store; ``chatstore`` by default. Stores
                with other namespaces share the database and never see each other's data.
            cluster: Whether the URL is that of a node of a cluster; ``False`` by default.

        Raises:
            InvalidArgumentError: The URL, an option or a client is not valid.

        """
        settings = read_settings(
            redis_url,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            namespace=namespace,
            cluster=cluster,
        )
        super().__init__(RedisBackend(settings, client=client, async_client=async_client))

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        client: redis.Redis | redis.RedisCluster | None = None,
        async_client: redis.asyncio.Redis | redis.asyncio.RedisCluster | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        namespace: str | None = None,
        cluster: bool | None = None,
    ) -> Self:
        """Open ``redis://user:password@host:6379/0?ttl=3600&namespace=chatstore``.

        Args:
            url: The URL, as in the constructor.
            client: As in the constructor.
            async_client: As in the constructor.
            ttl: As in the constructor; overrides the URL's, as the other options do.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            namespace: As in the constructor.
            cluster: As in the constructor.

        Raises:
            InvalidArgumentError: The URL, an option or a client is not valid.

        """
        return cls(
            url,
            client=client,
            async_client=async_client,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            namespace=namespace,
            cluster=cluster,
        )
