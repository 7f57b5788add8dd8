"""boto3's client, created when it is needed: one for all threads of a process."""

from __future__ import annotations

import threading
import time
from typing import Any

from chatstore.core import InvalidArgumentError, StoreUnavailableError
from chatstore.core.backend import ForkAware, keep_inherited, watch
from chatstore.core.logs import log_reconnect
from chatstore.dynamodb.errors import After, meaning_of
from chatstore.dynamodb.settings import Settings

RECYCLE_AFTER = 60.0
"""Seconds after which idle connections are replaced.

Firewalls and gateways drop idle connections without notice, and a name may get another address.
Older connections are not used, so that a call does not wait for a dead one. It costs one handshake
per connection and minute.
"""


class Clients(ForkAware):
    """Creates a client with the profile, region and credentials that boto3 chooses.

    Timeouts, connections and attempts are the store's, unless ``config``, the environment or the
    profile sets them.
    """

    def __init__(self, settings: Settings) -> None:
        """Keep the settings; nothing is opened or read."""
        self.settings = settings
        self._reset()
        watch(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._connection)
        self._reset()

    def get(self) -> Connection:
        """Return the connection that all threads share."""
        connection = self._connection
        if connection is None:
            with self._lock:
                if self._connection is None:
                    self._connection = Connection(self, self.settings.client or self._create())
                connection = self._connection
        connection.recycle()
        return connection

    def close(self) -> None:
        """Close the client, unless it is the caller's."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None and self.owns(connection):
            connection.client.close()

    def owns(self, connection: Connection) -> bool:
        """Return whether the store created the client, and must close it."""
        return connection.client is not self.settings.client

    def learn(self, connection: Connection, error: Exception) -> None:
        """Replace the store's client or its connections if an error requires it."""
        meaning = meaning_of(error)
        if meaning is None or not self.owns(connection):
            return
        if meaning.after is After.NEW_CONNECTIONS:
            log_reconnect(self.settings.server, meaning.text)
            connection.drop_idle()
        elif meaning.after is After.NEW_CREDENTIALS:
            # A session never reads the environment or a file again.
            with self._lock:
                if self._connection is connection:
                    self._connection = None

    def _create(self) -> Any:
        import boto3  # loaded by the first call
        from botocore.config import Config
        from botocore.session import get_session

        settings = self.settings
        botocore_session = settings.botocore_session or get_session()
        session = boto3.Session(
            profile_name=settings.profile_name,
            region_name=settings.region_name,
            botocore_session=botocore_session,
            **settings.keys,
        )
        options: dict[str, Any] = {
            "connect_timeout": settings.timeout,
            "read_timeout": settings.timeout,
            "max_pool_connections": settings.max_connections,
            "tcp_keepalive": True,
        }
        if botocore_session.get_config_variable("max_attempts") is None:
            # The store repeats requests: it knows which may be repeated, and with botocore's
            # pauses a refused connection would take seconds.
            options["retries"] = {"mode": "standard", "total_max_attempts": 1}
        config = Config(**options)
        if settings.config is not None:
            config = config.merge(settings.config)
        try:
            return session.client("dynamodb", endpoint_url=settings.endpoint_url, config=config)
        except ValueError:  # botocore: endpoint or region are not valid in a URL
            raise InvalidArgumentError(
                f"{settings.server}: boto3 rejects endpoint_url or region_name; check both"
            ) from None


class Connection:
    """The client of plans: boto3's, and when its connections were opened."""

    def __init__(self, clients: Clients, client: Any) -> None:
        """Use a client of boto3."""
        self.client = client
        self._clients = clients
        self._opened = time.monotonic()

    @property
    def region(self) -> str:
        """The region of the client."""
        return str(self.client.meta.region_name)

    def send(self, action: str, **request: Any) -> Any:
        """Call one of boto3's methods and return its answer.

        Args:
            action: The method, such as ``get_item``.
            request: Its arguments.

        Raises:
            StoreUnavailableError: The server that answers is not DynamoDB.

        """
        try:
            answer = getattr(self.client, action)(**request)
        except Exception as error:
            self._clients.learn(self, error)
            raise
        # Otherwise a proxy's HTML page would be an answer without items.
        if not answer.get("ResponseMetadata", {}).get("RequestId"):
            raise StoreUnavailableError(
                f"{self._clients.settings.server}: the server that answers is not DynamoDB: its "
                "answer has no request id; check endpoint_url and proxies"
            )
        return answer

    def recycle(self) -> None:
        """Replace connections that are older than `RECYCLE_AFTER`, if the client is the store's."""
        if time.monotonic() - self._opened > RECYCLE_AFTER:
            self.drop_idle()

    def drop_idle(self) -> None:
        """Close idle connections; those that carry a request are closed after it."""
        self._opened = time.monotonic()
        if self._clients.owns(self):
            self.client.close()
