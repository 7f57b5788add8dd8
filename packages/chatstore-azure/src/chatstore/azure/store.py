"""``AzureChatStore``: conversations in a table of Azure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from typing_extensions import Self

from chatstore.azure.account import (
    check_account,
    check_authorization,
    check_endpoint,
    check_sas,
    check_table,
)
from chatstore.azure.backend import AzureBackend
from chatstore.azure.clients import check_service_client
from chatstore.azure.connection_strings import read_connection_string
from chatstore.azure.settings import MAX_CONNECTIONS, PATIENCE, TABLE, TIMEOUT, AzureSettings
from chatstore.azure.urls import read_url
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


class AzureChatStore(ChatStore):
    """Keeps conversations in a table of Azure Table Storage, or of Cosmos DB's Table API."""

    def __init__(
        self,
        chat_table_name: str = TABLE,
        *,
        account_name: str | None = None,
        account_key: str | None = None,
        endpoint: str | None = None,
        sas_token: str | None = None,
        credential: TokenCredential | None = None,
        client: Any = None,
        async_client: Any = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take options; nothing is opened or sent before the first call.

        A store needs an account, or clients. `from_account_and_key` and the other class methods
        are shorter for most accounts.

        Args:
            chat_table_name: The table.
            account_name: The account; required for ``account_key``.
            account_key: One of the account's keys.
            endpoint: The table service's URL; by default that of the account's Table Storage.
            sas_token: A shared access signature, instead of a key.
            credential: A sync ``TokenCredential``, of azure-identity for example, instead of a
                key; async methods call it on a thread. It stays open.
            client: Your own sync ``TableServiceClient``, for the sync methods. It keeps its
                timeouts and is never closed.
            async_client: Your own async ``TableServiceClient``, for the async methods on one event
                loop. It keeps its timeouts and is never closed.
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            timeout: Seconds to wait for a connection, and for an answer; by default 10.
            patience: Seconds for which a call is repeated if the service does not answer, or if
                other writers were faster; by default 30.
            max_connections: The most connections of all threads together, and of each event loop;
                a request waits if all of them are in use. By default 32.
            create: Create the table at the first call if it is missing, which is the default.
            clock: Returns the time in seconds since 1970; it decides what has expired.

        Raises:
            InvalidArgumentError: The table's name is not valid, a number is out of range, a client
                is of another kind, or there is neither an account nor a client.

        """
        table = check_table(chat_table_name)
        sync_client = check_service_client(client, "client", is_async=False)
        loop_client = check_service_client(async_client, "async_client", is_async=True)
        account = check_authorization(
            account_name=account_name,
            account_key=account_key,
            endpoint=endpoint,
            sas_token=sas_token,
            credential=credential,
        )
        if account is None and sync_client is None and loop_client is None:
            raise InvalidArgumentError(
                "AzureChatStore needs an account or a client: use from_account_and_key, "
                "from_connection_string, from_sas_token, from_credential, or client="
            )
        settings = AzureSettings(
            table=table,
            account=account,
            client=sync_client,
            async_client=loop_client,
            ttl=check_ttl(ttl),
            timeout=check_timeout(TIMEOUT if timeout is None else timeout),
            patience=check_patience(PATIENCE if patience is None else patience),
            max_connections=check_max_connections(
                MAX_CONNECTIONS if max_connections is None else max_connections
            ),
            create=check_flag(True if create is None else create, "create"),
            clock=clock,
        )
        super().__init__(AzureBackend(settings))

    @classmethod
    def from_account_and_key(
        cls,
        account_name: str,
        account_key: str,
        chat_table_name: str = TABLE,
        *,
        endpoint: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a table with a key of the account.

        Args:
            account_name: The account.
            account_key: One of its keys.
            chat_table_name: The table.
            endpoint: The table service's URL; by default that of the account's Table Storage.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: A name, the key, the endpoint or an option is not valid.

        """
        return cls(
            chat_table_name,
            account_name=check_account(account_name),
            account_key=check_key(account_key, "account_key"),
            endpoint=endpoint,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            clock=clock,
        )

    @classmethod
    def from_connection_string(
        cls,
        connection_string: str,
        chat_table_name: str = TABLE,
        *,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a table of the account that a connection string describes.

        Args:
            connection_string: The connection string, as the portal shows it.
            chat_table_name: The table.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The string does not describe an account, or an option is not
                valid.

        """
        account = read_connection_string(connection_string)
        return cls(
            chat_table_name,
            account_name=account.account_name,
            account_key=account.account_key,
            endpoint=account.endpoint,
            sas_token=account.sas_token,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            clock=clock,
        )

    @classmethod
    def from_sas_token(
        cls,
        endpoint: str,
        sas_token: str,
        chat_table_name: str = TABLE,
        *,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a table with a shared access signature.

        Args:
            endpoint: The table service's URL.
            sas_token: The shared access signature.
            chat_table_name: The table.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The endpoint, the token or an option is not valid.

        """
        return cls(
            chat_table_name,
            endpoint=check_endpoint(endpoint),
            sas_token=check_sas(sas_token),
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            clock=clock,
        )

    @classmethod
    def from_credential(
        cls,
        endpoint: str,
        credential: TokenCredential,
        chat_table_name: str = TABLE,
        *,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a table with a credential of Entra ID.

        Args:
            endpoint: The table service's URL, which must begin with ``https``.
            credential: A sync ``TokenCredential``, of azure-identity or another; async methods
                call it on a thread. It stays open.
            chat_table_name: The table.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The endpoint, the credential or an option is not valid.

        """
        return cls(
            chat_table_name,
            endpoint=check_endpoint(endpoint),
            credential=check_credential(credential),
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            clock=clock,
        )

    @classmethod
    def from_account_and_id(
        cls,
        account_name: str,
        chat_table_name: str = TABLE,
        *,
        endpoint: str | None = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a table of an account with ``DefaultAzureCredential()``.

        Args:
            account_name: The account.
            chat_table_name: The table.
            endpoint: The table service's URL; by default that of the account's Table Storage.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: azure-identity is not installed, or an argument is not valid.

        """
        return cls(
            chat_table_name,
            account_name=check_account(account_name),
            endpoint=endpoint,
            credential=default_credential("from_account_and_id"),
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            clock=clock,
        )

    @classmethod
    def from_aad_token(
        cls,
        endpoint: str,
        chat_table_name: str = TABLE,
        *,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a table of an endpoint with ``DefaultAzureCredential()``.

        Args:
            endpoint: The table service's URL, which must begin with ``https``.
            chat_table_name: The table.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: azure-identity is not installed, or an argument is not valid.

        """
        return cls(
            chat_table_name,
            endpoint=check_endpoint(endpoint),
            credential=default_credential("from_aad_token"),
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            clock=clock,
        )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        account_key: str | None = None,
        sas_token: str | None = None,
        credential: TokenCredential | None = None,
        client: Any = None,
        async_client: Any = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open ``azure-tables://ACCOUNT:KEY@HOST/TABLE?ttl=3600``.

        The key is percent-encoded. ``azure-tables+http://`` is for emulators without TLS.

        Args:
            url: The URL. Its options are ``ttl``, ``timeout``, ``patience``, ``max_connections``
                and ``create``. It needs no key if another argument authorizes the store.
            account_key: As in the constructor; overrides the URL's.
            sas_token: As in the constructor, instead of the URL's key.
            credential: As in the constructor, instead of the URL's key.
            client: As in the constructor.
            async_client: As in the constructor.
            ttl: As in the constructor; overrides the URL's.
            timeout: As in the constructor; overrides the URL's.
            patience: As in the constructor; overrides the URL's.
            max_connections: As in the constructor; overrides the URL's.
            create: As in the constructor; overrides the URL's.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The URL has another form, or an option is unknown or not valid.

        """
        needs_key = account_key is None and sas_token is None and credential is None
        parts = read_url(url, needs_key=needs_key)
        passed = passed_options(
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
        )
        return cls(
            parts.table,
            account_name=parts.account_name,
            account_key=parts.account_key if needs_key else account_key,
            endpoint=parts.endpoint,
            sas_token=sas_token,
            credential=credential,
            client=client,
            async_client=async_client,
            clock=clock,
            **{**parts.options, **passed},
        )
