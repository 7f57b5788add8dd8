"""``DynamoDBChatStore``: conversations in Amazon DynamoDB."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from typing_extensions import Self

from chatstore.core import ChatStore
from chatstore.core.backend import passed_options
from chatstore.dynamodb.backend import DynamoDBBackend
from chatstore.dynamodb.settings import read_settings
from chatstore.dynamodb.url import read_url


class DynamoDBChatStore(ChatStore):
    """Keeps conversations in a DynamoDB table that has a partition key and no sort key.

    Items of other programs in the table are not touched. Async methods run on threads of the
    store, since boto3 has no async client.
    """

    def __init__(
        self,
        table_name: str,
        profile_name: str | None = None,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        client: Any = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        primary_key: str | None = None,
        ttl_attribute: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        botocore_session: Any = None,
        config: Any = None,
        botocore_config: Any = None,
        ttl_seconds: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Name the table; nothing is read or sent before the first call.

        Args:
            table_name: The table's name or ARN.
            profile_name: A profile in boto3's configuration; by default as boto3 chooses it.
            region_name: The region; by default that of the ARN, else as boto3 chooses it.
            endpoint_url: Another endpoint; by default as boto3 chooses it.
            client: Your own ``boto3.client("dynamodb")``. It keeps its timeouts and retries, and
                is never closed.
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            timeout: Seconds to wait for a connection, and for each answer; 10 by default.
            patience: Seconds for which a call is repeated when other writers were faster or the
                service does not answer; 30 by default, 0: never.
            max_connections: The most connections that are kept open, of all threads; 32 by
                default. Async methods use at most 16.
            create: Whether the first call creates a missing table, with on-demand billing;
                ``True`` by default. Otherwise it raises `StoreSetupError`.
            primary_key: The attribute of the table's partition key, of type string;
                ``SessionId`` by default.
            ttl_attribute: The attribute that the table's TTL uses; ``TTL`` by default. Only what
                ended conversations leave has it: DynamoDB deletes that after three days.
            aws_access_key_id: A key to use instead of the one that boto3 finds.
            aws_secret_access_key: The secret of that key.
            aws_session_token: The session token of that key, if it is temporary.
            botocore_session: A ``botocore.session.Session`` to create the client with.
            config: A ``botocore.config.Config``; it overrides the store's own settings.
            botocore_config: Another name of ``config``, as in LlamaIndex's store.
            ttl_seconds: Another name of ``ttl``, as in LlamaIndex's store.
            clock: Returns the time in seconds since 1970; it decides what has expired.

        Raises:
            InvalidArgumentError: A name is not valid or is used by the store's own attributes, a
                number is out of range, or a client, session or configuration is of another kind.

        """
        settings = read_settings(
            table_name,
            profile_name,
            region_name=region_name,
            endpoint_url=endpoint_url,
            client=client,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            primary_key=primary_key,
            ttl_attribute=ttl_attribute,
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            aws_session_token=aws_session_token,
            botocore_session=botocore_session,
            config=config,
            botocore_config=botocore_config,
            ttl_seconds=ttl_seconds,
        )
        super().__init__(DynamoDBBackend(settings, clock=clock))

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        profile_name: str | None = None,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        client: Any = None,
        ttl: float | None = None,
        timeout: float | None = None,
        patience: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        primary_key: str | None = None,
        ttl_attribute: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        botocore_session: Any = None,
        config: Any = None,
        botocore_config: Any = None,
        ttl_seconds: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open ``dynamodb://table?region=eu-central-1&ttl=3600``.

        Args:
            url: The URL. Its options are ``region``, ``profile``, ``endpoint_url``, ``ttl``,
                ``timeout``, ``patience``, ``max_connections``, ``create``, ``primary_key`` and
                ``ttl_attribute``.
            profile_name: As in the constructor; overrides the URL's, as the other options do.
            region_name: As in the constructor.
            endpoint_url: As in the constructor.
            client: As in the constructor.
            ttl: As in the constructor.
            timeout: As in the constructor.
            patience: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            primary_key: As in the constructor.
            ttl_attribute: As in the constructor.
            aws_access_key_id: As in the constructor.
            aws_secret_access_key: As in the constructor.
            aws_session_token: As in the constructor.
            botocore_session: As in the constructor.
            config: As in the constructor.
            botocore_config: As in the constructor.
            ttl_seconds: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: ``url`` is not such a URL, or an option is unknown or not valid.

        """
        table_name, options = read_url(url)
        if ttl_seconds is not None and ttl is None:
            options.pop("ttl", None)
        options |= passed_options(
            profile_name=profile_name,
            region_name=region_name,
            endpoint_url=endpoint_url,
            ttl=ttl,
            timeout=timeout,
            patience=patience,
            max_connections=max_connections,
            create=create,
            primary_key=primary_key,
            ttl_attribute=ttl_attribute,
        )
        return cls(
            table_name,
            client=client,
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            aws_session_token=aws_session_token,
            botocore_session=botocore_session,
            config=config,
            botocore_config=botocore_config,
            ttl_seconds=ttl_seconds,
            clock=clock,
            **options,
        )
