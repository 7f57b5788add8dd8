"""The transport of async clients: it replaces connections that may be dead."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import aiohttp
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport

from chatstore.core.backend import reason_of
from chatstore.core.logs import log_reconnect

RECYCLE_AFTER = 60.0
"""Seconds after which connections are replaced; see `chatstore.azure_core.transport`.

aiohttp itself closes connections that were idle for 15 seconds.
"""


class HealingTransport(AioHttpTransport):  # type: ignore[misc] # azure-core hides its type
    """Limits the number of connections; replaces all of them when one turns out to be dead."""

    def __init__(self, server: str, *, timeout: float, max_connections: int) -> None:
        """Start without connections, on the running event loop.

        Args:
            server: The server, for logs.
            timeout: Seconds to wait for a connection, and for an answer.
            max_connections: The most connections; a request waits if all of them are in use.

        """
        self._server = server
        self._max_connections = max_connections
        self._requests: Counter[aiohttp.ClientSession] = Counter()
        self.session: aiohttp.ClientSession | None
        super().__init__(
            session=self._new_session(), connection_timeout=timeout, read_timeout=timeout
        )

    def _new_session(self) -> aiohttp.ClientSession:
        self._opened = time.monotonic()
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=True,
        )

    async def send(self, request: Any, **config: Any) -> Any:
        """Send a request and return the answer."""
        if time.monotonic() - self._opened > RECYCLE_AFTER:
            await self._replace(self.session)
        session = self.session
        if session is None:
            return await super().send(request, **config)  # raises: the transport was closed
        self._requests[session] += 1
        try:
            return await super().send(request, **config)
        except (ServiceRequestError, ServiceResponseError) as error:
            log_reconnect(self._server, reason_of(error))
            await self._replace(session)
            raise
        finally:
            self._requests[session] -= 1
            await self._close_unused(session)

    async def close(self) -> None:
        """Close all connections."""
        for session in list(self._requests):
            await session.close()
        self._requests.clear()
        await super().close()

    async def _replace(self, session: aiohttp.ClientSession | None) -> None:
        """Use new connections from now on, unless another request has replaced them already."""
        if session is None or session is not self.session:
            return
        self.session = self._new_session()
        await self._close_unused(session)

    async def _close_unused(self, session: aiohttp.ClientSession) -> None:
        if session is not self.session and self._requests[session] <= 0:
            del self._requests[session]
            await session.close()
