"""``CosmosChatStore``: conversations in a container of Azure Cosmos DB."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self, Unpack

from chatstore.conditional import RecordsChatStore
from chatstore.conditional.azure_core.credentials import check_credential, default_credential
from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.backend import (
    Plan,
    async_run,
    check_max_connections,
    check_timeout,
    check_ttl,
    run,
)
from chatstore.cosmos.address import check_key, check_place, read_connection_string, read_url
from chatstore.cosmos.clients import Clients, Settings, check_client
from chatstore.cosmos.database import CosmosDatabase
from chatstore.cosmos.errors import translate

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.cosmos import CosmosClient
    from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

T = TypeVar("T")
_LEVELS = (None, "Session", "BoundedStaleness", "Strong")


class Options(TypedDict, total=False):
    """The options that every way to make a store takes; see `CosmosChatStore`."""

    database: str
    container: str
    ttl: float | None
    consistency: str | None
    create: bool
    max_connections: int
    timeout: float
    clock: Callable[[], float]


class CosmosChatStore(RecordsChatStore):
    """Keeps conversations in a container of Azure Cosmos DB for NoSQL.

    A conversation is a partition, a change of it one transactional batch on condition of the
    head's version. What other stores wrote is read at once where the account's consistency is
    strong, a little later where it is session; what this store wrote is read at once always.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: str | TokenCredential | None = None,
        *,
        database: str = "chatstore",
        container: str = "messages",
        ttl: float | None = None,
        consistency: str | None = None,
        create: bool = True,
        max_connections: int = 32,
        timeout: float = 10.0,
        client: CosmosClient | None = None,
        async_client: AsyncCosmosClient | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep the settings; nothing is sent before the first call.

        Args:
            endpoint: The account's URL, ``https://….documents.azure.com:443/``.
            credential: One of the account's keys, or a sync credential of Entra ID; async methods
                call it on a thread.
            database: The database.
            container: A container of it, for conversations alone.
            ttl: Seconds after its last write at which a conversation expires; ``None``: never.
            consistency: ``Strong``, ``BoundedStaleness`` or ``Session``, at most the account's
                own level; ``None``: that.
            create: Make database and container at the first use, where they are missing.
            max_connections: The most connections, of all threads together and of each event
                loop; a request that finds all in use waits for one.
            timeout: Seconds for a request with all that is done about it.
            client: A client of your own for the sync methods. It keeps its own retries, which
                are harmless, and is not closed.
            async_client: The same for the async methods, on its one event loop; it must have
                been entered (``async with``).
            clock: Returns the time in seconds since 1970; decides what has expired.

        Raises:
            InvalidArgumentError: There is neither an account nor a client, or a name, a number,
                a client or a credential is not valid.

        """
        given = check_client(client, "client", is_async=False)
        async_given = check_client(async_client, "async_client", is_async=True)
        if credential is not None and not isinstance(credential, str):
            credential = check_credential(credential)
        elif credential is not None:
            credential = check_key(credential)
        elif given is None and async_given is None:
            raise InvalidArgumentError("CosmosChatStore needs an account; see from_account_and_key")
        if endpoint is None and (given or async_given) is not None:
            endpoint = (given or async_given).client_connection.url_connection
        if consistency not in _LEVELS:
            raise InvalidArgumentError(
                "consistency must be Strong, BoundedStaleness or Session, or None"
            )
        if not isinstance(create, bool):
            raise InvalidArgumentError(f"create must be True or False, not {type(create).__name__}")
        place = check_place(endpoint, database, container)
        host = urlsplit(place.endpoint).netloc
        self._server = f"container {place.database}/{place.container} at {host}"
        self._clients = Clients(
            Settings(
                place,
                credential,
                consistency=consistency,
                create=create,
                timeout=check_timeout(timeout),
                max_connections=check_max_connections(max_connections),
                server=self._server,
                given=given,
                async_given=async_given,
            )
        )
        super().__init__(CosmosDatabase(self._server), ttl=check_ttl(ttl), clock=clock)

    @classmethod
    def from_account_and_key(cls, endpoint: str, key: str, **options: Unpack[Options]) -> Self:
        """Open an account by its URL and one of its keys; options are the constructor's.

        Raises:
            InvalidArgumentError: An argument is not valid.

        """
        return cls(endpoint, check_key(key), **options)

    @classmethod
    def from_connection_string(cls, connection_string: str, **options: Unpack[Options]) -> Self:
        """Open an account by the connection string that the portal shows.

        Raises:
            InvalidArgumentError: It is not a connection string, or an option is not valid.

        """
        return cls.from_account_and_key(*read_connection_string(connection_string), **options)

    @classmethod
    def from_credential(
        cls, endpoint: str, credential: TokenCredential, **options: Unpack[Options]
    ) -> Self:
        """Open an account by a credential of Entra ID, such as ``DefaultAzureCredential()``.

        The credential is a sync one; the async methods call it on a thread. Roles for data do
        not permit making databases and containers: have them made, and pass ``create=False``.

        Raises:
            InvalidArgumentError: An argument is not valid.

        """
        return cls(endpoint, check_credential(credential), **options)

    @classmethod
    def from_aad_token(cls, endpoint: str, **options: Unpack[Options]) -> Self:
        """Open an account by ``DefaultAzureCredential()``.

        Raises:
            InvalidArgumentError: azure-identity is not installed, or an argument is not valid.

        """
        return cls(endpoint, default_credential("from_aad_token"), **options)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open ``cosmos://:KEY@host/database/container?ttl=3600``.

        The key is percent-encoded where it needs to be. Options are ``ttl``, ``timeout``,
        ``max_connections``, ``consistency`` and ``create``; ``cosmos+http://`` is for emulators
        without TLS.

        Raises:
            InvalidArgumentError: `url` is not such a URL, or has an unknown or wrong option.

        """
        place, key, options = read_url(url)
        return cls(
            place.endpoint, key, database=place.database, container=place.container, **options
        )

    @property
    def server(self) -> str:
        """The container and its account, for messages and logs."""
        return self._server

    # ------------------------------------------------------------------ drivers

    def _execute(self, plan: Plan[T]) -> T:
        return run(plan, self._clients.for_threads())

    async def _async_execute(self, plan: Plan[T]) -> T:
        return await async_run(plan, await self._clients.for_loop())

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._server)

    def _close(self) -> None:
        self._clients.close()

    async def _async_close(self) -> None:
        await self._clients.async_close()
