"""``CosmosChatStore``: conversations in a container of Azure Cosmos DB."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from typing_extensions import Self

from chatstore.azure_core.credentials import (
    TokenCredential,
    check_credential,
    check_key,
    default_credential,
)
from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.backend import (
    check_flag,
    check_max_connections,
    check_patience,
    check_timeout,
    check_ttl,
    passed_options,
)
from chatstore.cosmos.address import check_address, read_connection_string
from chatstore.cosmos.backend import CosmosBackend
from chatstore.cosmos.clients import check_cosmos_client
from chatstore.cosmos.settings import (
    CONTAINER,
    DATABASE,
    MAX_CONNECTIONS,
    PATIENCE,
    TIMEOUT,
    CosmosSettings,
)
from chatstore.cosmos.urls import read_url

_LEVELS = (None, "Session", "BoundedStaleness", "Strong")


class CosmosChatStore(ChatStore):
    """Keeps conversations in a container of Azure Cosmos DB for NoSQL.

    Each conversation is a partition, and each change is one transactional batch on the condition
    that nobody else changed the conversation. A store always reads its own writes at once. It
    reads other stores' writes at once if the account's consistency is strong, and a little later
    if it is session.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: str | TokenCredential | None = None,
        *,
        client: Any = None,
        async_client: Any = None,
        database: str | None = None,
        container: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        consistency: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take options; nothing is sent before the first call.

        Args:
            endpoint: The account's URL, ``https://….documents.azure.com:443/``; by default that of
                your client.
            credential: A key of the account, or a sync credential of Entra ID; async methods call
                it on a thread.
            client: Your own sync ``CosmosClient``, for the sync methods. It keeps its retries,
                which do no harm, and is never closed.
            async_client: Your own async ``CosmosClient``, for the async methods on one event loop.
                It must have been entered (``async with``), and is never closed.
            database: The database; by default ``chatstore``.
            container: A container of it, for conversations only; by default ``messages``.
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            timeout: Seconds for a request, with everything that the client does about it; by
                default 10.
            patience: Seconds for which a call is repeated if the service does not answer, or if
                other writers were faster; by default 30.
            max_connections: The most connections of all threads together, and of each event loop;
                a request waits if all of them are in use. By default 32.
            create: Create the database and the container at the first call if they are missing,
                which is the default.
            consistency: ``Strong``, ``BoundedStaleness`` or ``Session``, at most the account's
                level; by default the account's level.
            clock: Returns the time in seconds since 1970; it decides what has expired.

        Raises:
            InvalidArgumentError: There is neither an account nor a client, or a name, a number, a
                client or a credential is not valid.

        """
        sync_client = check_cosmos_client(client, "client", is_async=False)
        loop_client = check_cosmos_client(async_client, "async_client", is_async=True)
        any_client = sync_client or loop_client
        if isinstance(credential, str):
            check_key(credential, "credential")
        elif credential is not None:
            check_credential(credential)
        elif any_client is None:
            raise InvalidArgumentError(
                "CosmosChatStore needs an account or a client: use from_account_and_key, "
                "from_connection_string, from_credential, or client="
            )
        if endpoint is None and any_client is not None:
            endpoint = any_client.client_connection.url_connection
        if consistency not in _LEVELS:
            raise InvalidArgumentError(
                "consistency must be Strong, BoundedStaleness or Session, or None"
            )
        settings = CosmosSettings(
            check_address(
                endpoint,
                DATABASE if database is None else database,
                CONTAINER if container is None else container,
            ),
            credential=credential,
            client=sync_client,
            async_client=loop_client,
            consistency=consistency,
            ttl=check_ttl(ttl),
            timeout=check_timeout(TIMEOUT if timeout is None else timeout),
            patience=check_patience(PATIENCE if patience is None else patience),
            max_connections=check_max_connections(
                MAX_CONNECTIONS if max_connections is None else max_connections
            ),
            create=check_flag(True if create is None else create, "create"),
            clock=clock,
        )
        super().__init__(CosmosBackend(settings))

    @classmethod
    def from_account_and_key(
        cls,
        endpoint: str,
        key: str,
        *,
        database: str | None = None,
        container: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        consistency: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open an account with one of its keys.

        Args:
            endpoint: The account's URL.
            key: One of its keys.
            database: As in the constructor.
            container: As in the constructor.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            consistency: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: An argument is not valid.

        """
        return cls(
            endpoint,
            check_key(key, "key"),
            database=database,
            container=container,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            consistency=consistency,
            clock=clock,
        )

    @classmethod
    def from_connection_string(
        cls,
        connection_string: str,
        *,
        database: str | None = None,
        container: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        consistency: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open the account that a connection string describes.

        Args:
            connection_string: The connection string, as the portal shows it.
            database: As in the constructor.
            container: As in the constructor.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            consistency: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The string does not describe an account, or an option is not
                valid.

        """
        return cls.from_account_and_key(
            *read_connection_string(connection_string),
            database=database,
            container=container,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            consistency=consistency,
            clock=clock,
        )

    @classmethod
    def from_credential(
        cls,
        endpoint: str,
        credential: TokenCredential,
        *,
        database: str | None = None,
        container: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        consistency: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open an account with a credential of Entra ID, such as ``DefaultAzureCredential()``.

        Roles for data do not permit creating databases and containers: create them yourself, and
        pass ``create=False``.

        Args:
            endpoint: The account's URL.
            credential: A sync credential; async methods call it on a thread.
            database: As in the constructor.
            container: As in the constructor.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            consistency: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: An argument is not valid.

        """
        return cls(
            endpoint,
            check_credential(credential),
            database=database,
            container=container,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            consistency=consistency,
            clock=clock,
        )

    @classmethod
    def from_aad_token(
        cls,
        endpoint: str,
        *,
        database: str | None = None,
        container: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        consistency: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open an account with ``DefaultAzureCredential()``.

        Args:
            endpoint: The account's URL.
            database: As in the constructor.
            container: As in the constructor.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            consistency: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: azure-identity is not installed, or an argument is not valid.

        """
        return cls(
            endpoint,
            default_credential("from_aad_token"),
            database=database,
            container=container,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            consistency=consistency,
            clock=clock,
        )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        client: Any = None,
        async_client: Any = None,
        database: str | None = None,
        container: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        consistency: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open ``cosmos://:KEY@HOST/DATABASE/CONTAINER?ttl=3600``.

        The key is percent-encoded. ``cosmos+http://`` is for emulators without TLS.

        Args:
            url: The URL. Its options are ``ttl``, ``timeout``, ``patience``, ``max_connections``,
                ``create`` and ``consistency``.
            client: As in the constructor.
            async_client: As in the constructor.
            database: As in the constructor; overrides the URL's.
            container: As in the constructor; overrides the URL's.
            ttl: As in the constructor; overrides the URL's.
            timeout: As in the constructor; overrides the URL's.
            patience: As in the constructor; overrides the URL's.
            max_connections: As in the constructor; overrides the URL's.
            create: As in the constructor; overrides the URL's.
            consistency: As in the constructor; overrides the URL's.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The URL has another form, or an option is unknown or not valid.

        """
        parts = read_url(url)
        passed = passed_options(
            database=database,
            container=container,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            consistency=consistency,
        )
        in_url = {
            "database": parts.address.database,
            "container": parts.address.container,
            **parts.options,
        }
        return cls(
            parts.address.endpoint,
            parts.key,
            client=client,
            async_client=async_client,
            clock=clock,
            **{**in_url, **passed},
        )
