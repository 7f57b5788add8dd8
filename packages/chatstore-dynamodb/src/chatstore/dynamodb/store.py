"""``DynamoDBChatStore``."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import Self

from chatstore.conditional import RecordsChatStore
from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.core.backend import (
    Plan,
    ThreadedChatStore,
    call,
    check_max_connections,
    check_timeout,
    check_ttl,
)
from chatstore.dynamodb import clients, table
from chatstore.dynamodb.address import (
    check_attributes,
    check_endpoint,
    check_region,
    check_table,
    read_url,
)
from chatstore.dynamodb.batches import Table
from chatstore.dynamodb.database import DynamoDBDatabase
from chatstore.dynamodb.errors import translate


class DynamoDBChatStore(ThreadedChatStore, RecordsChatStore):
    """Conversations in a DynamoDB table that has a partition key alone.

    Async methods run on threads of the store's own. The table is made by `create_table`, or by
    anything else; items of other programs in it are left alone.
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
        ttl_seconds: float | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        botocore_session: Any = None,
        botocore_config: Any = None,
        client: Any = None,
        config: Any = None,
        max_connections: int = 32,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep the settings; nothing is read or sent.

        Args:
            table_name: The table, or its ARN.
            profile_name: A profile of boto3; by default as boto3 finds it.
            region_name: The region; by default that of the ARN, else as boto3 finds it.
            endpoint_url: Another endpoint; by default as boto3 finds it.
            primary_key: The attribute of the table's partition key, which is a string.
            ttl: Seconds after its last write at which a conversation expires; ``None``: never.
            ttl_attribute: The attribute that the table's TTL looks at. It is written for what an
                ended conversation leaves, which DynamoDB then removes after a day.
            ttl_seconds: Another name of `ttl`, which LlamaIndex's store has.
            aws_access_key_id: A key to use instead of what boto3 finds.
            aws_secret_access_key: The secret of that key.
            aws_session_token: Its session token, if it is temporary.
            botocore_session: A ``botocore.session.Session`` to make the client with.
            botocore_config: Another name of `config`, which LlamaIndex's store has.
            client: ``boto3.client("dynamodb")`` to use instead of one that the store makes. It
                keeps its own timeouts and retries, and is not closed.
            config: A ``botocore.config.Config``; it goes before the store's own settings.
            max_connections: The most connections that are kept open, for all threads together;
                async methods use at most 16.
            timeout: Seconds for a connection and for an answer.
            clock: Returns the time in seconds; it decides what has expired.

        Raises:
            InvalidArgumentError: A name is not valid or is used by the store's own attributes, a
                number is out of range, or a client, session or configuration is of another kind.

        """
        name = check_table(table_name)
        key, ttl_name = check_attributes(primary_key, ttl_attribute)
        region = check_region(region_name, name)
        endpoint = check_endpoint(endpoint_url)
        seconds = check_timeout(timeout)
        layout = table.Layout(_server(name, region, endpoint), name, key, ttl_name)
        config = clients.check_config(_one_of("config", config, "botocore_config", botocore_config))
        self._layout = layout
        self._clients = clients.Clients(
            clients.Settings(
                server=layout.server,
                region_name=region,
                profile_name=_check_profile(profile_name),
                endpoint_url=endpoint,
                keys=clients.check_keys(
                    aws_access_key_id, aws_secret_access_key, aws_session_token
                ),
                botocore_session=clients.check_session(botocore_session),
                config=config,
                timeout=seconds,
                max_connections=check_max_connections(max_connections),
            ),
            clients.check_client(client),
        )
        lifetime = check_ttl(_one_of("ttl", ttl, "ttl_seconds", ttl_seconds))
        ThreadedChatStore.__init__(self)
        RecordsChatStore.__init__(
            self, DynamoDBDatabase(Table(layout, seconds)), ttl=lifetime, clock=clock
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the store of ``dynamodb://table?region=…&endpoint_url=…&ttl=…``.

        Raises:
            InvalidArgumentError: `url` is not such a URL, or has an unknown or wrong option.

        """
        table_name, options = read_url(url)
        return cls(table_name, **options)

    @property
    def server(self) -> str:
        """The table, its region and endpoint, for messages and logs."""
        return self._layout.server

    def create_table(self) -> None:
        """Make the table if it is missing, paid by request, and switch its TTL on.

        It waits until the table can be used, two minutes at most.

        Raises:
            StoreSetupError: There is a table of this name with another key, or whose TTL looks at
                another attribute.

        """
        self._run(self._create(), "create_table")

    async def async_create_table(self) -> None:
        """Like `create_table`, but awaitable."""
        await self._async_run(self._create(), "create_table")

    def _create(self) -> Plan[None]:
        yield from call(lambda connection: table.create(connection, self._layout))

    def _borrow(self) -> AbstractContextManager[Any]:
        return nullcontext(self._clients.get())

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return translate(error, self._layout.server, self._layout.primary_key)

    def _close(self) -> None:
        self._stop_threads()
        self._clients.close()

    async def _async_close(self) -> None:
        import asyncio  # noqa: PLC0415 - loaded, if there is a loop

        await asyncio.to_thread(self._close)


def _server(name: str, region: str | None, endpoint: str | None) -> str:
    where = f" in {region}" if region else ""
    host = f" at {urlsplit(endpoint).netloc}" if endpoint else ""
    return f"DynamoDB table {name!r}{where}{host}"


def _check_profile(profile_name: object) -> str | None:
    if profile_name is not None and (not isinstance(profile_name, str) or not profile_name):
        raise InvalidArgumentError(
            "profile_name must be the name of a profile in boto3's configuration"
        )
    return profile_name


def _one_of(name: str, value: Any, other_name: str, other: Any) -> Any:
    if value is not None and other is not None:
        raise InvalidArgumentError(f"{name} and {other_name} are the same option: give one of them")
    return other if value is None else value
