"""``RedisChatStore``: conversations in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from typing_extensions import Self

from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.backend import Plan, async_run, run
from chatstore.redis.address import read_url
from chatstore.redis.clients import Clients
from chatstore.redis.commands import Commands
from chatstore.redis.errors import translate
from chatstore.redis.given_clients import check_client
from chatstore.redis.server_mode import ServerMode
from chatstore.redis.settings import NAMESPACE, check_settings, merge_options
from chatstore.redis_scripts import ScriptChatStore

if TYPE_CHECKING:
    import redis
    import redis.asyncio

T = TypeVar("T")


class RedisChatStore(ScriptChatStore):
    """Keeps conversations in Redis, Valkey or a service that speaks their protocol.

    Every call is one script and one round trip, on a server or on one node of a cluster. A
    command whose connection broke is sent again; the server recognises a call that it has carried
    out. The server's persistence and replication decide how durable an answered write is.
    """

    max_message_bytes = 256 * 1024 * 1024
    """Redis's limit of a string is 512 MB: https://redis.io/docs/latest/develop/data-types/strings/."""

    def __init__(
        self,
        redis_url: str = "redis://localhost:6379",
        ttl: float | None = None,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        cluster: bool | None = None,
        redis_client: redis.Redis | redis.RedisCluster | None = None,
        async_redis_client: redis.asyncio.Redis | redis.asyncio.RedisCluster | None = None,
    ) -> None:
        """Name the server, or bring clients; nothing is sent before the first call.

        Options may stand in the URL instead: ``redis://localhost?ttl=3600&namespace=support``.

        Args:
            redis_url: ``redis://``, ``rediss://`` (TLS) or ``unix://``. Beside the store's options
                it takes ``db``, ``username``, ``password``, ``client_name``,
                ``socket_keepalive`` and, with TLS, ``ssl_ca_certs``, ``ssl_certfile``,
                ``ssl_keyfile``, ``ssl_cert_reqs`` (``required`` or ``none``) and
                ``ssl_check_hostname``.
            ttl: Seconds after its last write after which a conversation is gone; by default it
                stays.
            namespace: The start of all keys of this store, ``chatstore`` by default. Stores with
                other namespaces in this database see nothing of these.
            timeout: Seconds to wait for a connection, and for each answer; 5 by default.
            patience: Seconds for which a call is sent again when its connection broke or the
                server cannot serve it at the moment, as during a failover; 1 by default, 0: never.
            max_connections: The most connections that are open for threads, and for each event
                loop; in a cluster, to each node; 64 by default. Further calls wait.
            cluster: Whether the URL is that of a node of a cluster.
            redis_client: A client of your own for the sync methods, such as one from Sentinel.
                It keeps its own timeouts, retries (harmless) and connections, and is not closed.
            async_redis_client: The same for the async methods, on its one event loop. Where only
                one of the two is given, methods of the other mode raise.

        Raises:
            InvalidArgumentError: The URL, an option or a client is not valid.

        """
        address, in_url = read_url(redis_url)
        given = {
            "ttl": ttl,
            "namespace": namespace,
            "timeout": timeout,
            "patience": patience,
            "max_connections": max_connections,
            "cluster": cluster,
        }
        options = merge_options(in_url, given)
        super().__init__(namespace=options.get("namespace", NAMESPACE), ttl=options.get("ttl"))
        settings = check_settings(options)
        if settings.is_cluster and (address.is_socket or address.connection.get("db")):
            raise InvalidArgumentError(
                "a cluster has only database 0, and is reached by host and port"
            )
        if redis_client is not None:
            check_client(redis_client, "redis_client", is_async=False)
        if async_redis_client is not None:
            check_client(async_redis_client, "async_redis_client", is_async=True)
        self._given = redis_client
        self._async_given = async_redis_client
        self._given_mode: ServerMode | None = None
        self._clients: Clients | None = None
        if redis_client is None and async_redis_client is None:
            self._place = address.place
            self._clients = Clients(address, settings)
        else:
            self._place = "Redis (a client of yours)"
            self._given_mode = ServerMode(self._place)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open ``redis://user:password@host:6379/0?ttl=3600&namespace=chatstore``.

        The URL takes the options that the constructor takes.

        Raises:
            InvalidArgumentError: It is not such a URL, or has an unknown option.

        """
        return cls(url)

    @property
    def server(self) -> str:
        """The server's host and port, without secrets."""
        return self._place

    # ------------------------------------------------------------------ drivers

    def _execute(self, plan: Plan[T]) -> T:
        client = self._given
        if client is None:
            client = self._own("redis_client").for_threads()
        return run(plan, Commands(client, run, self._place, self._given_mode))

    async def _async_execute(self, plan: Plan[T]) -> T:
        client = self._async_given
        if client is None:
            client = await self._own("async_redis_client").for_loop()
        return await async_run(plan, Commands(client, async_run, self._place, self._given_mode))

    def _own(self, instead: str) -> Clients:
        if self._clients is None:
            raise InvalidArgumentError(f"this store was given no {instead}, which this call needs")
        return self._clients

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._place)

    def _close(self) -> None:
        if self._clients is not None:
            self._clients.close()

    async def _async_close(self) -> None:
        if self._clients is not None:
            await self._clients.async_close()
