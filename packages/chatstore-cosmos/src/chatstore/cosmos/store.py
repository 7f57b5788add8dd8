"""``CosmosChatStore``: conversations in a container of Azure Cosmos DB."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self

from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.plans import Plan, async_run, run
from chatstore.cosmos.address import check_key, check_place, read_connection_string, read_url
from chatstore.cosmos.clients import Clients, Settings
from chatstore.cosmos.database import CosmosDatabase
from chatstore.cosmos.errors import translate
from chatstore.records import RecordsChatStore

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.cosmos import CosmosClient
    from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

T = TypeVar("T")
_LEVELS = (None, "Session", "BoundedStaleness", "Strong")


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
        timeout: float = 10.0,
        client: CosmosClient | None = None,
        async_client: AsyncCosmosClient | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Name an account, or bring clients; nothing is sent before the first call.

        Args:
            endpoint: The account's URI, ``https://….documents.azure.com:443/``.
            credential: One of the account's keys, or a credential of Entra ID.
            database: The database.
            container: A container of it, for conversations alone.
            ttl: Seconds after its last write after which a conversation is gone.
            consistency: ``Strong``, ``BoundedStaleness`` or ``Session``, at most the account's
                own level; ``None``: that.
            create: Make database and container at the first use, where they are missing.
            timeout: Seconds for a request with all that is done about it.
            client: A client of your own for the plain methods. It keeps its own retries, which
                are harmless, and is not closed.
            async_client: The same for the async methods, on its one event loop; it must have
                been entered (``async with``).
            clock: Returns the time in seconds since 1970; decides what has expired.

        Raises:
            InvalidArgumentError: There is neither an account nor a client, or a name, a number
                or a credential makes no sense.

        """
        super().__init__(CosmosDatabase(), ttl=ttl, clock=clock)
        if endpoint is None and (client or async_client) is not None:
            endpoint = (client or async_client).client_connection.url_connection  # type: ignore[union-attr]
        elif credential is None:
            message = "CosmosChatStore needs an account; see from_account_and_key"
            raise InvalidArgumentError(message)
        elif not callable(getattr(credential, "get_token", None)):
            credential = check_key(credential)
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
            message = "timeout must be a positive number of seconds"
            raise InvalidArgumentError(message)
        if consistency not in _LEVELS:
            message = "consistency must be Strong, BoundedStaleness or Session, or None"
            raise InvalidArgumentError(message)
        place = check_place(endpoint, database, container)
        self._host = urlsplit(place.endpoint).netloc
        self._clients = Clients(
            Settings(
                place,
                credential,
                consistency=consistency,
                create=create,
                timeout=float(timeout),
                given=client,
                async_given=async_client,
            )
        )

    @classmethod
    def from_account_and_key(cls, endpoint: str, key: str, **options: Any) -> Self:
        """Open an account by its URI and one of its keys; options are the constructor's.

        Raises:
            InvalidArgumentError: An argument makes no sense.

        """
        return cls(endpoint, check_key(key), **options)

    @classmethod
    def from_connection_string(cls, connection_string: str, **options: Any) -> Self:
        """Open an account by the connection string that the portal shows.

        Raises:
            InvalidArgumentError: It is no connection string, or an option makes no sense.

        """
        return cls.from_account_and_key(*read_connection_string(connection_string), **options)

    @classmethod
    def from_credential(cls, endpoint: str, credential: TokenCredential, **options: Any) -> Self:
        """Open an account by a credential of Entra ID, such as ``DefaultAzureCredential()``.

        The credential is a plain one; the async methods call it on a thread. Roles for data do
        not permit making databases and containers: have them made.

        Raises:
            InvalidArgumentError: An argument makes no sense.

        """
        if not callable(getattr(credential, "get_token", None)):
            message = "credential must have get_token, as those of azure-identity"
            raise InvalidArgumentError(message)
        return cls(endpoint, credential, **options)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open ``cosmos://:KEY@host/database/container?ttl=3600``.

        The key is percent-encoded where it needs to be. Options are ``ttl``, ``timeout``,
        ``consistency`` and ``create``; ``cosmos+http://`` is for emulators without TLS.

        Raises:
            InvalidArgumentError: It is no such URL, or has options that are not known.

        """
        place, key, options = read_url(url)
        return cls.from_account_and_key(
            place.endpoint, key, database=place.database, container=place.container, **options
        )

    # ------------------------------------------------------------------ drivers

    def _execute(self, plan: Plan[T]) -> T:
        return run(plan, self._clients.for_threads())

    async def _async_execute(self, plan: Plan[T]) -> T:
        return await async_run(plan, await self._clients.for_loop())

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._host)

    def _close(self) -> None:
        self._clients.close()

    async def _async_close(self) -> None:
        await self._clients.async_close()
