"""The viewer's application: the page, its files and its requests, behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from chatstore.cli.viewer.api import Api
from chatstore.cli.viewer.security import Guard
from chatstore.core import ChatStore

_FILES = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def create_app(
    store: ChatStore,
    *,
    port: int,
    token: str,
    name: str = "conversations",
    owner: str | None = None,
    write: bool = False,
) -> ASGIApp:
    """Return the application; the store is not closed.

    Args:
        store: The store.
        port: The port of loopback that the application is served at; requests must name it.
        token: What the page sends with each request for data.
        name: What to call the store in the page, without secrets.
        owner: Show only this owner's conversations.
        write: Allow the page to delete conversations.

    """
    api = Api(store, name=name, owner=owner, write=write)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        api.catalogue.refresh()
        yield
        await api.catalogue.close()

    routes = [
        Mount("/api", routes=api.routes()),
        *(_file_route(file) for file in sorted(_FILES.iterdir()) if file.suffix in _TYPES),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    # Around the whole application, so that its answers to unexpected errors have the headers, too.
    return Guard(app, port=port, token=token, write=write)


def _file_route(file: Path) -> Route:
    """Serve a file of the page from memory; there is no path from a request to the disk."""
    content, media_type = file.read_bytes(), _TYPES[file.suffix]

    async def send(_: Request) -> Response:
        return Response(content, headers={"content-type": media_type})

    path = "/" if file.name == "index.html" else f"/{file.name}"
    return Route(path, send, methods=["GET"])
