"""``DynamoDBChatStore``."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from typing_extensions import Self

from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.checks import check_ttl
from chatstore.core.threaded import ThreadedChatStore
from chatstore.dynamodb import table
from chatstore.dynamodb.address import check_attribute, check_table, read_url
from chatstore.dynamodb.batches import Table
from chatstore.dynamodb.clients import Clients
from chatstore.dynamodb.database import ATTRIBUTES, DynamoDBDatabase
from chatstore.dynamodb.errors import translate
from chatstore.records import RecordsChatStore


class DynamoDBChatStore(ThreadedChatStore, RecordsChatStore):
    """Conversations in a DynamoDB table that has a hash key alone.

    Async methods run on threads of the store's own. The table is made by `create_table`, or by
    whatever else made it; items of other programs in it are left alone.
    """

    def __init__(
        self,
        table_name: str,
        profile_name: str | None = None,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        *,
        primary_key: str = "SessionId",
        ttl: float | None = None,
        ttl_attribute: str = "TTL",
        client: Any = None,
        config: Any = None,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Note where; nothing is read or sent.

        Args:
            table_name: The table, or its ARN.
            profile_name: A profile of boto3's; by default as boto3 finds it.
            region_name: The region; by default as boto3 finds it.
            endpoint_url: Another endpoint; by default as boto3 finds it.
            primary_key: The name of the table's hash key, which is a string.
            ttl: Seconds after its last write at which a conversation is gone; ``None``: never.
            ttl_attribute: The attribute that the table's TTL looks at. It is written for what an
                ended conversation leaves, which DynamoDB then removes after a day.
            client: boto3's client to use, instead of one of the store's own.
            config: A ``botocore.config.Config``, which goes before the store's own settings.
            timeout: Seconds for a connection and for an answer.
            clock: Returns the time in seconds; it decides what has expired.

        Raises:
            InvalidArgumentError: A name is none, or a number not positive.

        """
        if not isinstance(timeout, (int, float)) or not timeout > 0:
            message = "timeout must be a positive number of seconds"
            raise InvalidArgumentError(message)
        self._clients = Clients(
            profile_name=profile_name,
            region_name=region_name,
            endpoint_url=endpoint_url,
            timeout=timeout,
            config=config,
            given=client,
        )
        self._ttl_attribute = check_attribute(ttl_attribute, "ttl_attribute")
        self._table = Table(
            check_table(table_name), check_attribute(primary_key, "primary_key"), timeout
        )
        if ttl_attribute in {primary_key, *ATTRIBUTES}:
            message = f"ttl_attribute must be another attribute than {ttl_attribute!r}"
            raise InvalidArgumentError(message)
        ThreadedChatStore.__init__(self)
        RecordsChatStore.__init__(
            self, DynamoDBDatabase(self._table, ttl_attribute), ttl=check_ttl(ttl), clock=clock
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the store of ``dynamodb://table?region=…&endpoint_url=…&ttl=…``.

        Raises:
            InvalidArgumentError: It is no such URL, or has unknown options.

        """
        table_name, options = read_url(url)
        return cls(table_name, **options)

    def create_table(self) -> None:
        """Make the table if it is missing, paid by request, and switch its TTL on.

        It waits until the table can be used, two minutes at most.
        """
        self._run(self._creating(), "create_table")

    def _creating(self) -> Any:
        return (
            yield lambda client: table.create(
                client, self._table.name, self._table.primary_key, self._ttl_attribute
            )
        )

    def _borrow(self) -> AbstractContextManager[Any]:
        return nullcontext(self._clients.get())

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._table.name)

    def _close(self) -> None:
        self._stop_threads()
        self._clients.close()

    async def _async_close(self) -> None:
        import asyncio  # noqa: PLC0415 - loaded, if there is a loop

        await asyncio.to_thread(self._close)
