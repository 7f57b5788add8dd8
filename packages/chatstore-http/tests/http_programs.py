"""Applications of tests: the routes with FastAPI and with Starlette."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Header
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from chatstore.core import ChatStore
from chatstore.http.fastapi import router
from chatstore.http.starlette import routes

PREFIX = "/api"


def current_user(user: Annotated[str | None, Header()] = None) -> str | None:
    """Return the user, whom tests name in a header."""
    return user


async def user_of(request: Request) -> str | None:
    """Return the user, as `current_user` does."""
    return request.headers.get("user")


def fastapi_app(store: ChatStore, **options: Any) -> FastAPI:
    """Return an application of FastAPI."""
    app = FastAPI()
    app.include_router(router(store, owner=current_user, **options), prefix=PREFIX)
    return app


def starlette_app(store: ChatStore, **options: Any) -> Starlette:
    """Return an application of Starlette."""
    mounted = Mount(PREFIX, routes=routes(store, owner=user_of, **options))
    return Starlette(routes=[mounted])


FRAMEWORKS: dict[str, Callable[..., Starlette]] = {
    "fastapi": fastapi_app,
    "starlette": starlette_app,
}
