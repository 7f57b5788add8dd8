"""``RedisChatStore``: conversations in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from typing_extensions import Self

from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.plans import Plan, async_run, run
from chatstore.lua import ScriptChatStore
from chatstore.redis.clients import Clients
from chatstore.redis.commands import Commands
from chatstore.redis.errors import translate

if TYPE_CHECKING:
    import redis
    import redis.asyncio

T = TypeVar("T")
_SCHEMES = {"redis", "rediss", "unix"}


class RedisChatStore(ScriptChatStore):
    """Keeps conversations in Redis, Valkey or a service that speaks their protocol.

    Every call is one script and one round trip, on a server or on one node of a cluster. A
    command whose connection broke is sent again; the server recognises an operation that it has
    carried out. How durable an answered write is, the server's persistence decides.
    """

    max_message_bytes = 256 * 1024 * 1024
    """Redis's limit of a string is 512 MB: https://redis.io/docs/latest/develop/data-types/strings/."""

    def __init__(
        self,
        redis_url: str = "redis://localhost:6379",
        ttl: float | None = None,
        *,
        namespace: str = "chatstore",
        timeout: float = 5.0,
        cluster: bool = False,
        redis_client: redis.Redis | redis.RedisCluster | None = None,
        async_redis_client: redis.asyncio.Redis | redis.asyncio.RedisCluster | None = None,
    ) -> None:
        """Name the server, or bring clients; nothing is sent before the first call.

        Args:
            redis_url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, as redis-py takes it.
            ttl: Seconds after its last write after which a conversation is gone.
            namespace: Stores with other namespaces in this database see nothing of these.
            timeout: Seconds to wait for a connection, and for an answer.
            cluster: The URL is that of one node of a cluster.
            redis_client: A client of your own for the plain methods, such as one from Sentinel.
                It keeps its own timeouts and retries (harmless), and is not closed.
            async_redis_client: The same for the async methods, on its one event loop. Where only
                one of the two is given, methods of the other colour raise.

        Raises:
            InvalidArgumentError: The URL, the namespace or a number makes no sense.

        """
        super().__init__(namespace=namespace, ttl=ttl)
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
            message = "timeout must be a positive number of seconds"
            raise InvalidArgumentError(message)
        self._given = redis_client
        self._async_given = async_redis_client
        self._clients: Clients | None = None
        self._place = "Redis"
        if redis_client is None and async_redis_client is None:
            self._place = _place(redis_url)
            self._clients = Clients(redis_url, float(timeout), cluster=cluster)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open ``redis://user:password@host:6379/0?ttl=3600&namespace=chatstore&cluster=true``.

        Options that are none of this store's are redis-py's.

        Raises:
            InvalidArgumentError: It is no such URL.

        """
        parts = urlsplit(url)
        options: dict[str, Any] = {}
        rest = []
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            if name in {"ttl", "timeout"}:
                options[name] = _seconds(name, value)
            elif name == "namespace":
                options[name] = value
            elif name == "cluster":
                options[name] = value.lower() in {"true", "1", "yes"}
            else:
                rest.append((name, value))
        return cls(urlunsplit(parts._replace(query=urlencode(rest))), **options)

    # ------------------------------------------------------------------ drivers

    def _execute(self, plan: Plan[T]) -> T:
        client = self._given
        if client is None:
            client = self._own("redis_client").for_threads()
        return run(plan, Commands(client, run))

    async def _async_execute(self, plan: Plan[T]) -> T:
        client = self._async_given
        if client is None:
            client = await self._own("async_redis_client").for_loop()
        return await async_run(plan, Commands(client, async_run))

    def _own(self, instead: str) -> Clients:
        if self._clients is None:
            message = f"this store was given no {instead}, which this call needs"
            raise InvalidArgumentError(message)
        return self._clients

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._place)

    def _close(self) -> None:
        if self._clients is not None:
            self._clients.close()

    async def _async_close(self) -> None:
        if self._clients is not None:
            await self._clients.async_close()


def _place(url: str) -> str:
    """Return where a URL leads, without user and password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, AttributeError, TypeError):
        message = "redis_url must be a URL such as redis://localhost:6379"
        raise InvalidArgumentError(message) from None  # the error's text holds the password
    if parts.scheme not in _SCHEMES:
        message = f"redis_url must begin with {', '.join(sorted(f'{s}://' for s in _SCHEMES))}"
        raise InvalidArgumentError(message)
    return (
        f"Redis at {parts.path if parts.scheme == 'unix' else f'{parts.hostname}:{port or 6379}'}"
    )


def _seconds(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        message = f"{name} must be a number of seconds"
        raise InvalidArgumentError(message) from None
