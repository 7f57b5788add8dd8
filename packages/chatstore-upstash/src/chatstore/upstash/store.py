"""``UpstashChatStore``: conversations in a database of Upstash."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self

from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.backend import (
    Plan,
    async_run,
    check_max_connections,
    check_patience,
    check_timeout,
    run,
)
from chatstore.redis_scripts import ScriptChatStore
from chatstore.upstash.address import address_from_env, check_address, read_url
from chatstore.upstash.clients import Clients, Settings, limit_given
from chatstore.upstash.commands import MAX_REQUEST_BYTES, Commands, Finishing
from chatstore.upstash.errors import translate

if TYPE_CHECKING:
    from upstash_redis import Redis
    from upstash_redis.asyncio import Redis as AsyncRedis

T = TypeVar("T")


class UpstashChatStore(ScriptChatStore):
    """Keeps conversations in Upstash Redis, over its REST API.

    The layout is `chatstore.redis`'s: what one of them writes the other reads. An operation is
    one script and one request. A request whose connection broke is sent again; the database
    recognises an operation that it has carried out.
    """

    max_request_bytes = MAX_REQUEST_BYTES
    max_reply_bytes = MAX_REQUEST_BYTES // 2
    """Whether the service counts an answer before or after it is encoded is not documented."""
    pages = (10_000, 10_000)  # each request is paid for, and its server may be far
    max_message_bytes = MAX_REQUEST_BYTES - 1024 * 1024
    """A message is written in parts, but comes back in one answer."""

    def __init__(
        self,
        redis_url: str | None = None,
        redis_token: str | None = None,
        ttl: float | None = None,
        *,
        namespace: str = "chatstore",
        timeout: float = 10.0,
        patience: float = 1.0,
        max_connections: int = 64,
        redis_client: Redis | None = None,
        async_redis_client: AsyncRedis | None = None,
    ) -> None:
        """Name the database, or bring clients; nothing is sent before the first call.

        Args:
            redis_url: The database's REST URL, ``https://….upstash.io``.
            redis_token: Its REST token, the standard one.
            ttl: Seconds after its last write after which a conversation is gone.
            namespace: Stores with other namespaces in this database see nothing of these.
            timeout: Seconds to wait for a connection, and for each part of an answer.
            patience: Seconds for which a request is sent again when its connection broke, or the
                service cannot serve it at the moment; 0: once, since an idle connection may have
                been closed.
            max_connections: The most requests, and so connections, at once: of all threads, and of
                each event loop. Further calls wait for ``timeout`` seconds. The clients that you
                bring are not bounded.
            redis_client: A client of your own for the sync methods. It keeps its retries, which
                are harmless, gets ``timeout`` where it has none, and is not closed.
            async_redis_client: The same for the async methods, on its one event loop.

        Raises:
            InvalidArgumentError: The URL, the token, a client or a number makes no sense.

        """
        super().__init__(namespace=namespace, ttl=ttl)
        settings = Settings(
            check_timeout(timeout), check_patience(patience), check_max_connections(max_connections)
        )
        self._timeout, self._patience, _ = settings
        self._given = redis_client
        self._async_given = async_redis_client
        if redis_client is not None:
            limit_given(redis_client, self._timeout, is_async=False)
        if async_redis_client is not None:
            limit_given(async_redis_client, self._timeout, is_async=True)
        self._clients: Clients | None = None
        self._host = "Upstash"
        if redis_url is not None or redis_token is not None:
            address = check_address(redis_url, redis_token)
            self._clients = Clients(address, settings)
            self._host = urlsplit(address.url).netloc
        elif redis_client is None and async_redis_client is None:
            raise InvalidArgumentError(
                "UpstashChatStore needs redis_url and redis_token, or clients; see from_env"
            )

    @classmethod
    def from_env(
        cls,
        ttl: float | None = None,
        *,
        namespace: str = "chatstore",
        timeout: float = 10.0,
        patience: float = 1.0,
        max_connections: int = 64,
    ) -> Self:
        """Open the database of ``UPSTASH_REDIS_REST_URL`` and ``UPSTASH_REDIS_REST_TOKEN``.

        Raises:
            InvalidArgumentError: A variable is missing, or it or an option is not valid.

        """
        return cls(
            *address_from_env(),
            ttl,
            namespace=namespace,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open ``upstash://:TOKEN@host?ttl=3600&namespace=chatstore``.

        The options are those of `from_env`.

        The token is percent-encoded where it needs to be. ``upstash://`` without a host takes it
        and the token from the environment, as `from_env` does; ``upstash+http://`` is for a
        proxy without TLS.

        Raises:
            InvalidArgumentError: It is no such URL, or has options that are not known.

        """
        address, options = read_url(url)
        return cls(*address, **options)

    @property
    def server(self) -> str:
        """The database's host, without its token."""
        return self._host

    # ------------------------------------------------------------------ drivers

    def _execute(self, plan: Plan[T]) -> T:
        client: object = self._given
        if client is None:
            client = self._own("redis_client").for_threads()
        return run(plan, Commands(client, run, time.sleep, self._patience, self._host))

    async def _async_execute(self, plan: Plan[T]) -> T:
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        client: object = self._async_given
        if client is None:
            client = await self._own("async_redis_client").for_loop()
        requests = Finishing(client, self._timeout)
        commands = Commands(requests, async_run, asyncio.sleep, self._patience, self._host)
        return await async_run(plan, commands)

    def _own(self, instead: str) -> Clients:
        if self._clients is None:
            raise InvalidArgumentError(f"this call needs {instead}, or redis_url and redis_token")
        return self._clients

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._host)

    def _close(self) -> None:
        if self._clients is not None:
            self._clients.close()

    async def _async_close(self) -> None:
        if self._clients is not None:
            await self._clients.async_close()
