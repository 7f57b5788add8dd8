"""HTTP connections to a database: `Endpoint`, `Connections` and `AsyncConnections`.

They use httpx's transports without its clients, which take as long as the transports for what
these requests do not need: cookies, redirects, hooks, and joining addresses and headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from chatstore.upstash.address import Address

if TYPE_CHECKING:
    import httpx

_SYNC_TOKEN = "Upstash-Sync-Token"  # noqa: S105 - the name of a header
_EXPLAINED = 400  # the body says the cause; other statuses are themselves the cause
_KEEP_SECONDS = 60.0
"""How long idle connections are kept: a person's next message should not wait for TLS."""


class Endpoint:
    """What all requests of a store have in common.

    All of them send the sync token of the store's last answer, so that each reads what the others
    wrote: https://upstash.com/docs/redis/howto/readyourwrites
    """

    def __init__(self, address: Address, timeout: float) -> None:
        """Open nothing yet.

        Args:
            address: The database.
            timeout: Seconds to wait for a connection, and for each part of an answer.

        """
        self._url = address.url
        self._urls: dict[str, httpx.URL] = {}
        self._headers = {
            "Accept-Encoding": "gzip, deflate",
            "Authorization": f"Bearer {address.token}",
            "Content-Type": "application/json",
            "Upstash-Encoding": "base64",
        }
        parts = ("connect", "read", "write", "pool")
        self._extensions = {"timeout": dict.fromkeys(parts, timeout)}
        self._token = ""

    def request(self, path: str, body: bytes) -> httpx.Request:
        """Return a request: a command for ``/``, or an array of commands for ``/pipeline``."""
        import httpx  # loaded by the first call

        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(self._url + path)
        headers = self._headers
        if self._token:
            headers = {**headers, _SYNC_TOKEN: self._token}
        return httpx.Request(
            "POST", url, headers=headers, content=body, extensions=self._extensions
        )

    def content(self, request: httpx.Request, response: httpx.Response) -> bytes:
        """Return the content of a response that has been read.

        Raises:
            httpx.HTTPStatusError: The status alone says what went wrong.

        """
        self._token = response.headers.get(_SYNC_TOKEN, self._token)
        if response.status_code != _EXPLAINED:
            response.request = request  # the error needs it
            response.raise_for_status()
        return response.content

    def transport_options(self) -> dict[str, Any]:
        """Return the arguments of a transport: its limits, and the proxy of the environment."""
        import httpx  # loaded by the first call

        # The clients limit the number of requests.
        limits = httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_SECONDS)
        return {"limits": limits, "proxy": _proxy(self._url)}


class Connections:
    """Sends requests of threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Open nothing yet."""
        import httpx  # loaded by the first call

        self._endpoint = endpoint
        self._transport = httpx.HTTPTransport(**endpoint.transport_options())

    def post(self, path: str, body: bytes) -> bytes:
        """Send a request and return the content of the response."""
        request = self._endpoint.request(path, body)
        response = self._transport.handle_request(request)
        try:
            response.read()
        finally:
            response.close()
        return self._endpoint.content(request, response)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()


class AsyncConnections:
    """Like `Connections`, for the tasks of one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Open nothing yet."""
        import httpx  # loaded by the first call

        self._endpoint = endpoint
        self._transport = httpx.AsyncHTTPTransport(**endpoint.transport_options())
        self.is_closed = False

    async def post(self, path: str, body: bytes) -> bytes:
        """Send a request and return the content of the response."""
        request = self._endpoint.request(path, body)
        response = await self._transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return self._endpoint.content(request, response)

    async def close(self) -> None:
        """Close all connections."""
        self.is_closed = True
        await self._transport.aclose()


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
