"""``AzureChatStore``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self, Unpack

from chatstore.azure.access import (
    Access,
    check_account,
    check_endpoint,
    check_key,
    check_sas,
    check_table,
    default_endpoint,
    read_url,
)
from chatstore.azure.clients import Clients, Settings, check_client
from chatstore.azure.connection_strings import read_connection_string
from chatstore.azure.database import AzureDatabase
from chatstore.azure.errors import translate
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

T = TypeVar("T")
TABLE = "ChatUser"


class Options(TypedDict, total=False):
    """The options that every way to make a store takes; see `AzureChatStore`."""

    ttl: float | None
    create_table: bool
    max_connections: int
    timeout: float
    clock: Callable[[], float]
    metadata_table_name: str | None
    metadata_partition_key: str | None
    service_mode: Any


class AzureChatStore(RecordsChatStore):
    """Conversations in a table of Azure Table Storage, or of Cosmos DB's Table API.

    Made by `from_account_and_key`, `from_connection_string`, `from_sas_token`, `from_credential`,
    `from_account_and_id` or `from_aad_token`, or with clients of the caller's. All take the
    keyword options of the constructor.
    """

    def __init__(
        self,
        table_service_client: Any = None,
        atable_service_client: Any = None,
        chat_table_name: str = TABLE,
        *,
        access: Access | None = None,
        ttl: float | None = None,
        create_table: bool = True,
        max_connections: int = 32,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
        metadata_table_name: str | None = None,
        metadata_partition_key: str | None = None,
        service_mode: Any = None,
    ) -> None:
        """Keep the settings; nothing is opened.

        Args:
            table_service_client: A sync ``TableServiceClient`` for the sync methods. It keeps its
                own timeouts, and is not closed.
            atable_service_client: An async one for the async methods, on its one event loop.
            chat_table_name: The table.
            access: An account, instead of clients; made by the class methods.
            ttl: Seconds after its last write at which a conversation expires; ``None``: never.
            create_table: Whether the first call makes a table that is missing.
            max_connections: The most connections, of all threads together and of each event
                loop; a request that finds all in use waits for one.
            timeout: Seconds for a connection and for an answer.
            clock: Returns the time in seconds; it decides what has expired.
            metadata_table_name: Not used; LlamaIndex's store has it. This store has one table.
            metadata_partition_key: Not used, as before.
            service_mode: Not used, as before: one layout serves both services.

        Raises:
            InvalidArgumentError: The table's name is not valid, a number is out of range, a client
                is of another kind, or there is neither an account nor a client.

        """
        del metadata_table_name, metadata_partition_key, service_mode
        table = check_table(chat_table_name)
        client = check_client(table_service_client, "table_service_client", is_async=False)
        async_client = check_client(atable_service_client, "atable_service_client", is_async=True)
        if access is None and client is None and async_client is None:
            raise InvalidArgumentError(
                "AzureChatStore needs an account or clients: use from_account_and_key, "
                "from_connection_string, from_sas_token or from_credential"
            )
        if not isinstance(create_table, bool):
            raise InvalidArgumentError(
                f"create_table must be True or False, not {type(create_table).__name__}"
            )
        endpoint = access.endpoint if access is not None else (client or async_client).url
        place = urlsplit(endpoint)
        self._server = f"table {table!r} at {place.hostname}{place.path.rstrip('/')}"
        if place.port is not None:
            self._server = f"table {table!r} at {place.hostname}:{place.port}{place.path}"
        self._clients = Clients(
            Settings(
                self._server,
                access,
                table,
                create_table=create_table,
                timeout=check_timeout(timeout),
                max_connections=check_max_connections(max_connections),
                given=client,
                async_given=async_client,
            )
        )
        super().__init__(AzureDatabase(self._server), ttl=check_ttl(ttl), clock=clock)

    @classmethod
    def from_account_and_key(
        cls,
        account_name: str,
        account_key: str,
        chat_table_name: str = TABLE,
        *,
        endpoint: str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Return a store that signs with an account's key; by default of Table Storage.

        Raises:
            InvalidArgumentError: A name, the key, the endpoint or an option is not valid.

        """
        account = check_account(account_name)
        where = default_endpoint(account) if endpoint is None else check_endpoint(endpoint)
        access = Access(where, "key", account, check_key(account_key))
        return cls(chat_table_name=chat_table_name, access=access, **options)

    @classmethod
    def from_connection_string(
        cls, connection_string: str, chat_table_name: str = TABLE, **options: Unpack[Options]
    ) -> Self:
        """Return a store of the account that a connection string describes.

        Raises:
            InvalidArgumentError: It does not describe an account, or an option is not valid.

        """
        access = read_connection_string(connection_string)
        return cls(chat_table_name=chat_table_name, access=access, **options)

    @classmethod
    def from_sas_token(
        cls,
        endpoint: str,
        sas_token: str,
        chat_table_name: str = TABLE,
        **options: Unpack[Options],
    ) -> Self:
        """Return a store that a shared access signature lets in.

        Raises:
            InvalidArgumentError: The endpoint, the token or an option is not valid.

        """
        access = Access(check_endpoint(endpoint), "sas", "", check_sas(sas_token))
        return cls(chat_table_name=chat_table_name, access=access, **options)

    @classmethod
    def from_credential(
        cls,
        endpoint: str,
        credential: Any,
        chat_table_name: str = TABLE,
        **options: Unpack[Options],
    ) -> Self:
        """Return a store that Entra ID lets in.

        Args:
            endpoint: The table service's URL, which must begin with ``https``.
            credential: A sync ``TokenCredential``, of azure-identity or another; async methods
                call it on a thread. It stays open.
            chat_table_name: The table.
            options: See the class.

        Raises:
            InvalidArgumentError: The endpoint, the credential or an option is not valid.

        """
        where = check_endpoint(endpoint)
        if not where.startswith("https:"):
            raise InvalidArgumentError(
                "endpoint must begin with https: tokens are not sent over plain http"
            )
        access = Access(where, "credential", "", check_credential(credential))
        return cls(chat_table_name=chat_table_name, access=access, **options)

    @classmethod
    def from_account_and_id(
        cls,
        account_name: str,
        chat_table_name: str = TABLE,
        *,
        endpoint: str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Return a store of an account, let in by ``DefaultAzureCredential()``.

        Raises:
            InvalidArgumentError: azure-identity is not installed, or see `from_credential`.

        """
        account = check_account(account_name)
        where = default_endpoint(account) if endpoint is None else endpoint
        credential = default_credential("from_account_and_id")
        return cls.from_credential(where, credential, chat_table_name, **options)

    @classmethod
    def from_aad_token(
        cls, endpoint: str, chat_table_name: str = TABLE, **options: Unpack[Options]
    ) -> Self:
        """Return a store of an endpoint, let in by ``DefaultAzureCredential()``.

        Raises:
            InvalidArgumentError: azure-identity is not installed, or see `from_credential`.

        """
        where = check_endpoint(endpoint)
        credential = default_credential("from_aad_token")
        return cls.from_credential(where, credential, chat_table_name, **options)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the store of ``azure-tables://ACCOUNT:KEY@HOST/TABLE?ttl=…``.

        Raises:
            InvalidArgumentError: `url` is not such a URL, or has an unknown or wrong option.

        """
        access, table, options = read_url(url)
        return cls(chat_table_name=table, access=access, **options)

    @property
    def server(self) -> str:
        """The table and its endpoint, for messages and logs."""
        return self._server

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
