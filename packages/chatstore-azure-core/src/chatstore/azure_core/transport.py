"""The transport of sync clients: it replaces connections that may be dead."""

from __future__ import annotations

import time
from typing import Any

import requests
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from chatstore.core.backend import reason_of
from chatstore.core.logs import log_reconnect

RECYCLE_AFTER = 60.0
"""Seconds after which idle connections are replaced.

Firewalls and gateways drop idle connections without notice, and the address of a host may change.
A limit ensures that no call waits on a connection that has long been dead. It costs one handshake
per minute and connection.
"""


class HealingTransport(RequestsTransport):  # type: ignore[misc] # azure-core hides its type
    """Limits the number of connections; closes all idle ones when one turns out to be dead."""

    def __init__(self, server: str, *, timeout: float, max_connections: int) -> None:
        """Start without connections.

        Args:
            server: The server, for logs.
            timeout: Seconds to wait for a connection, and for an answer.
            max_connections: The most connections; a request waits if all of them are in use.

        """
        session = requests.Session()
        adapter = HTTPAdapter(
            pool_maxsize=max_connections,
            pool_block=True,
            max_retries=Retry(total=False, redirect=False, raise_on_status=False),
        )
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        super().__init__(session=session, connection_timeout=timeout, read_timeout=timeout)
        self._server = server
        self._opened = time.monotonic()

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a request and return the answer."""
        if time.monotonic() - self._opened > RECYCLE_AFTER:
            self.drop_idle()
        try:
            return super().send(request, **kwargs)
        except (ServiceRequestError, ServiceResponseError) as error:
            log_reconnect(self._server, reason_of(error))
            self.drop_idle()
            raise

    def drop_idle(self) -> None:
        """Close idle connections; a connection that is in use is closed after its request."""
        self._opened = time.monotonic()
        session = self.session
        if session is not None:
            session.close()  # the session opens new connections when it is used again
