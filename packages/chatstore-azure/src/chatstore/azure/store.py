"""``AzureChatStore``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from typing_extensions import Self

from chatstore.azure.access import (
    Access,
    check_endpoint,
    check_table,
    check_text,
    read_connection_string,
    read_url,
)
from chatstore.azure.clients import Clients
from chatstore.azure.database import AzureDatabase
from chatstore.azure.errors import translate
from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.checks import check_ttl
from chatstore.core.plans import Plan, async_run, run
from chatstore.records import RecordsChatStore

T = TypeVar("T")
TABLE = "ChatUser"


class AzureChatStore(RecordsChatStore):
    """Conversations in a table of Azure Table Storage, or of Cosmos DB's Table API.

    Made by `from_account_and_key`, `from_connection_string`, `from_sas_token` or
    `from_credential`, which take the same options by keyword:

    - ``ttl``: seconds after its last write at which a conversation is gone; ``None``: never.
    - ``create_table``: whether the first call makes a table that is missing.
    - ``timeout``: seconds for a request; it is sent at most three times.
    - ``clock``: returns the time in seconds; it decides what has expired.
    """

    def __init__(
        self,
        access: Access,
        chat_table_name: str = TABLE,
        *,
        ttl: float | None = None,
        create_table: bool = True,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Note where and how; nothing is opened.

        Raises:
            InvalidArgumentError: The table's name is none, or a number not positive.

        """
        if not isinstance(timeout, (int, float)) or not timeout > 0:
            message = "timeout must be a positive number of seconds"
            raise InvalidArgumentError(message)
        self._place = f"{access.endpoint}/{check_table(chat_table_name)}"
        self._clients = Clients(access, chat_table_name, create_table=create_table, timeout=timeout)
        super().__init__(AzureDatabase(), ttl=check_ttl(ttl), clock=clock)

    @classmethod
    def from_account_and_key(
        cls,
        account_name: str,
        account_key: str,
        chat_table_name: str = TABLE,
        *,
        endpoint: str | None = None,
        **options: Any,
    ) -> Self:
        """Return a store that signs with an account's key; by default of Table Storage.

        Raises:
            InvalidArgumentError: A name, the endpoint or an option cannot be used.

        """
        where = check_endpoint(endpoint, account_name)
        name = check_text(account_name, "account_name")
        access = Access(where, "key", name, check_text(account_key, "account_key"))
        return cls(access, chat_table_name, **options)

    @classmethod
    def from_connection_string(
        cls, connection_string: str, chat_table_name: str = TABLE, **options: Any
    ) -> Self:
        """Return a store of the account that a connection string describes.

        Raises:
            InvalidArgumentError: It describes none, or an option cannot be used.

        """
        return cls(read_connection_string(connection_string), chat_table_name, **options)

    @classmethod
    def from_sas_token(
        cls, endpoint: str, sas_token: str, chat_table_name: str = TABLE, **options: Any
    ) -> Self:
        """Return a store that a shared access signature lets in.

        Raises:
            InvalidArgumentError: The endpoint, the token or an option cannot be used.

        """
        token = check_text(sas_token, "sas_token").removeprefix("?")
        access = Access(_given(endpoint), "sas", "", token)
        return cls(access, chat_table_name, **options)

    @classmethod
    def from_credential(
        cls, endpoint: str, credential: Any, chat_table_name: str = TABLE, **options: Any
    ) -> Self:
        """Return a store that Entra ID lets in.

        Args:
            endpoint: The table service's URL, which must begin with ``https``.
            credential: A sync ``TokenCredential``, of azure-identity or another; it stays open.
            chat_table_name: The table.
            options: See the class.

        Raises:
            InvalidArgumentError: The endpoint, the credential or an option cannot be used.

        """
        where = _given(endpoint)
        if not where.startswith("https:") or not hasattr(credential, "get_token"):
            message = "from_credential needs an https endpoint and a TokenCredential"
            raise InvalidArgumentError(message)
        return cls(Access(where, "credential", "", credential), chat_table_name, **options)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the store of ``azure-tables://ACCOUNT:KEY@HOST/TABLE?ttl=…``.

        Raises:
            InvalidArgumentError: It is no such URL, or has unknown options.

        """
        access, table, options = read_url(url)
        return cls(access, table, **options)

    def _execute(self, plan: Plan[T]) -> T:
        return run(plan, self._clients.for_threads())

    async def _async_execute(self, plan: Plan[T]) -> T:
        return await async_run(plan, await self._clients.for_loop())

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._place)

    def _close(self) -> None:
        self._clients.close()

    async def _async_close(self) -> None:
        await self._clients.async_close()


def _given(endpoint: str) -> str:
    return check_endpoint(check_text(endpoint, "endpoint"), "")
