"""boto3's client, made when it is needed: one for all threads of a process."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from chatstore.core import InvalidArgumentError, StoreUnavailableError
from chatstore.core.backend import ForkAware, keep_inherited, watch
from chatstore.core.logs import log_reconnect
from chatstore.dynamodb.errors import After, meaning_of

RECYCLE_AFTER = 60.0
"""Seconds after which idle connections are replaced.

Firewalls and gateways drop idle connections without a notice, and a name may get another address.
Nothing older than this is used, so that no call waits for a connection that is long dead. It costs
one handshake a minute and connection.
"""


class Settings(NamedTuple):
    """How the client is made; `repr` shows no secret.

    Attributes:
        server: What messages and logs call the table.
        region_name: The region; ``None``: as boto3 finds it.
        profile_name: A profile; ``None``: as boto3 finds it.
        endpoint_url: The endpoint; ``None``: as boto3 finds it.
        keys: ``aws_access_key_id`` and so on, where they were given.
        botocore_session: A session that was given.
        config: A ``botocore.config.Config`` that goes before the store's own settings.
        timeout: Seconds for a connection, and for an answer.
        max_connections: The most connections that are kept open.

    """

    server: str
    region_name: str | None
    profile_name: str | None
    endpoint_url: str | None
    keys: dict[str, str]
    botocore_session: Any
    config: Any
    timeout: float
    max_connections: int

    def __repr__(self) -> str:
        """Name the table only."""
        return f"Settings({self.server!r})"


class Clients(ForkAware):
    """Makes a client as boto3's users expect: profile, region and credentials by its rules.

    Timeouts, connections and attempts are the store's where neither ``config`` nor the environment
    nor the profile says otherwise.
    """

    def __init__(self, settings: Settings, given: Any) -> None:
        """Keep the settings, or a client that the caller gave; nothing is opened or read."""
        self.settings = settings
        self._given = given
        self._begin()
        watch(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._connection)
        self._begin()

    def get(self) -> Connection:
        """Return the connection that all threads share."""
        connection = self._connection
        if connection is None:
            with self._lock:
                if self._connection is None:
                    self._connection = Connection(self, self._given or self._made())
                connection = self._connection
        connection.recycle()
        return connection

    def close(self) -> None:
        """Close the client, unless it was given."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None and self.owns(connection):
            connection.client.close()

    def owns(self, connection: Connection) -> bool:
        """Tell whether the store made the client, and closes it."""
        return connection.client is not self._given

    def learn(self, connection: Connection, error: Exception) -> None:
        """Do with a client of the store's own what an error calls for."""
        meaning = meaning_of(error)
        if meaning is None or not self.owns(connection):
            return
        if meaning.after is After.NEW_CONNECTIONS:
            log_reconnect(self.settings.server, meaning.text)
            connection.drop_idle()
        elif meaning.after is After.NEW_CREDENTIALS:
            # A session keeps what it read from the environment or a file for ever.
            with self._lock:
                if self._connection is connection:
                    self._connection = None

    def _made(self) -> Any:
        import boto3  # noqa: PLC0415 - loaded by the first call
        from botocore.config import Config  # noqa: PLC0415

        settings = self.settings
        session = boto3.Session(
            profile_name=settings.profile_name,
            region_name=settings.region_name,
            botocore_session=settings.botocore_session,
            **settings.keys,
        )
        options: dict[str, Any] = {
            "connect_timeout": settings.timeout,
            "read_timeout": settings.timeout,
            "max_pool_connections": settings.max_connections,
            "tcp_keepalive": True,
        }
        chosen = session._session.get_config_variable("max_attempts")  # noqa: SLF001 - no other way
        if chosen is None:
            # The store repeats requests itself: it knows which may be repeated, and botocore's
            # pauses would make a refused connection take seconds.
            options["retries"] = {"mode": "standard", "total_max_attempts": 1}
        config = Config(**options)
        if settings.config is not None:
            config = config.merge(settings.config)
        try:
            return session.client("dynamodb", endpoint_url=settings.endpoint_url, config=config)
        except ValueError:  # botocore's answer to an endpoint or region that makes no URL
            raise InvalidArgumentError(
                f"{settings.server}: boto3 refuses endpoint_url or region_name; check both"
            ) from None


class Connection:
    """A client of boto3 with what was learnt about its connections; the plans call it."""

    def __init__(self, clients: Clients, client: Any) -> None:
        """Take a client."""
        self.client = client
        self._clients = clients
        self._opened = time.monotonic()

    @property
    def region(self) -> str:
        """The region that is asked."""
        return str(self.client.meta.region_name)

    def send(self, action: str, **request: Any) -> Any:
        """Call one of boto3's methods and return its answer.

        Raises:
            StoreUnavailableError: Something answers that is not DynamoDB.

        """
        try:
            answer = getattr(self.client, action)(**request)
        except Exception as error:
            self._clients.learn(self, error)
            raise
        # A proxy's page of HTML would be read as an answer without items.
        if not answer.get("ResponseMetadata", {}).get("RequestId"):
            raise StoreUnavailableError(
                f"{self._clients.settings.server}: what answers is not DynamoDB: there is no "
                "request id; check endpoint_url and proxies"
            )
        return answer

    def recycle(self) -> None:
        """Replace connections that are older than `RECYCLE_AFTER`, unless the client was given."""
        if time.monotonic() - self._opened > RECYCLE_AFTER:
            self.drop_idle()

    def drop_idle(self) -> None:
        """Close idle connections; those that carry a request are closed after it."""
        self._opened = time.monotonic()
        if self._clients.owns(self):
            self.client.close()


def check_client(client: object) -> Any:
    """Return a client that was given, or ``None``.

    Raises:
        InvalidArgumentError: It is not a client of boto3 for DynamoDB.

    """
    if client is None:
        return None
    if hasattr(type(client), "__aenter__"):
        raise InvalidArgumentError(
            "client is an async client or context manager (aioboto3, aiobotocore); give a sync "
            "one, boto3.client('dynamodb'): the async methods run it on threads"
        )
    if not callable(getattr(client, "transact_write_items", None)):
        what = "a resource or table; give its meta.client" if hasattr(client, "meta") else "that"
        raise InvalidArgumentError(
            f"client must be boto3.client('dynamodb'), not {what} ({type(client).__name__})"
        )
    return client


def check_session(session: object) -> Any:
    """Return a session that was given, or ``None``.

    Raises:
        InvalidArgumentError: It is not a ``botocore.session.Session``.

    """
    if session is None:
        return None
    is_async = any(kind.__module__.startswith("aiobotocore") for kind in type(session).__mro__)
    if is_async or not callable(getattr(session, "get_config_variable", None)):
        what = "an async one" if is_async else type(session).__name__
        raise InvalidArgumentError(
            f"botocore_session must be a sync botocore.session.Session, not {what}"
        )
    return session


def check_config(config: object) -> Any:
    """Return a configuration that was given, or ``None``.

    Raises:
        InvalidArgumentError: It is not a ``botocore.config.Config``.

    """
    if config is not None and not callable(getattr(config, "merge", None)):
        raise InvalidArgumentError(
            f"config must be a botocore.config.Config, not {type(config).__name__}"
        )
    return config


def check_keys(
    aws_access_key_id: object, aws_secret_access_key: object, aws_session_token: object
) -> dict[str, str]:
    """Return the credentials that were given, by boto3's names.

    Raises:
        InvalidArgumentError: One is not a string, or only one half of a pair is given.

    """
    given = {
        "aws_access_key_id": aws_access_key_id,
        "aws_secret_access_key": aws_secret_access_key,
        "aws_session_token": aws_session_token,
    }
    keys: dict[str, str] = {}
    for name, value in given.items():
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            raise InvalidArgumentError(
                f"{name} must be a string that is not empty, not {type(value).__name__}"
            )
        keys[name] = value
    if keys and not {"aws_access_key_id", "aws_secret_access_key"} <= keys.keys():
        raise InvalidArgumentError(
            "aws_access_key_id and aws_secret_access_key must be given together"
        )
    return keys
