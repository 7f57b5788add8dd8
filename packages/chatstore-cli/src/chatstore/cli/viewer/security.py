"""Who may talk to the viewer: the page that it serves, with the token of its URL; nobody else.

A request must name the viewer's own host and port, so that a host name of an attacker that resolves
to 127.0.0.1 is refused (DNS rebinding). A request from a page of another origin, another port of
this machine included, is refused. Data need the token, which the page sends in a header: other
sites cannot read it, browsers never add it by themselves as they do with cookies, and it is in no
address that a server or a referrer sees.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/api/"
"""The prefix of paths that need the token."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every response, refusals included."""

_METHODS = {"GET", "HEAD", "POST"}


def new_token() -> str:
    """Return a random token, with 256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


class Guard:
    """ASGI middleware that refuses what does not come from the viewer's page."""

    def __init__(self, app: ASGIApp, *, port: int, token: str, write: bool) -> None:
        """Protect an application.

        Args:
            app: The application.
            port: The port that it is served at, on loopback.
            token: What requests for data must send as ``Authorization: Bearer TOKEN``.
            write: Allow requests that change the store; they are those with ``POST``.

        """
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._token = token
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope)
        app = self._app if refusal is None else refusal
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        problem = self._problem_of_origin(scope, headers)
        if problem is not None:
            return _refuse(403, problem)
        if not scope["path"].startswith(API):
            return None
        if not self._has_token(headers):
            return _refuse(
                401, "the token is missing or wrong: open the address that chatstore view printed"
            )
        if scope["method"] == "POST" and not self._write:
            return _refuse(403, "the viewer is read-only: start it with --write to delete")
        return None

    def _problem_of_origin(self, scope: Scope, headers: Headers) -> str | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "the viewer is not at this host: open the address that chatstore view printed"
        if scope["method"] not in _METHODS:
            return "the viewer knows no such method"
        origins = headers.getlist("origin")
        if origins and origins != [f"http://{hosts[0]}"]:
            return "pages of other origins cannot use the viewer"
        site = headers.get("sec-fetch-site", "same-origin")
        if site == "same-origin" or (site == "none" and scope["method"] != "POST"):
            return None
        # A link to the page is harmless: the page has no data without the token.
        if _is_navigation(headers) and scope["path"] == "/" and scope["method"] == "GET":
            return None
        return "pages of other origins cannot use the viewer"

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        # Bytes, since compare_digest refuses text that is not ASCII.
        is_equal = hmac.compare_digest(token.encode(), self._token.encode())
        return scheme == "Bearer" and is_equal


def _is_navigation(headers: Headers) -> bool:
    """Return whether a user opens the page in a tab, rather than a page in a frame."""
    return headers.get("sec-fetch-mode") == "navigate" and (
        headers.get("sec-fetch-dest") == "document"
    )


def _refuse(status: int, problem: str) -> JSONResponse:
    return JSONResponse({"error": problem}, status_code=status)
