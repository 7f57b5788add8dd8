"""A router for FastAPI, with a complete OpenAPI description."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from chatstore.core import ChatStore
from chatstore.core.messages import RoleName
from chatstore.http.descriptions import HEADERS, response_descriptions
from chatstore.http.endpoint import Endpoint
from chatstore.http.problems import invalid_request
from chatstore.http.routing import (
    ENDPOINTS,
    MAX_BODY_BYTES,
    WRITABLE_ROLES,
    Settings,
    answer,
    check_settings,
)


def router(
    store: ChatStore,
    *,
    owner: Callable[..., Any],
    writable_roles: Collection[RoleName] = WRITABLE_ROLES,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> APIRouter:
    """Return a router that serves the conversations of the owner of each request.

    Include it: ``app.include_router(router(store, owner=current_user), prefix="/api")``.

    Args:
        store: Where conversations are kept. It is not closed.
        owner: A dependency of FastAPI that returns the owner of a request, such as the id of the
            user who is signed in. ``None`` answers the request with status 401; it may also raise
            ``HTTPException``.
        writable_roles: The roles of messages that clients may add and edit. A client that may
            write system messages or answers can change what a model is told.
        max_body_bytes: The largest body of a request.

    Raises:
        InvalidArgumentError: An argument is not valid; see `Args`.

    """
    settings = check_settings(store, owner, writable_roles, max_body_bytes)
    result = APIRouter(route_class=_route_class(settings), tags=["conversations"])
    for endpoint in ENDPOINTS:
        result.add_api_route(
            endpoint.path,
            _endpoint_function(settings, endpoint, owner),
            methods=[endpoint.method],
            name=endpoint.name,
            operation_id=endpoint.name,
            summary=endpoint.summary,
            status_code=endpoint.status,
            response_model=endpoint.reply,
            responses=response_descriptions(endpoint),
        )
    return result


def _route_class(settings: Settings) -> type[APIRoute]:
    class ConversationRoute(APIRoute):
        """Limits bodies, and answers errors with problems."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """Return the function that answers a request."""
            handle = super().get_route_handler()
            has_body = self.body_field is not None

            async def checked(request: Request) -> Response:
                try:
                    return await handle(request)
                except RequestValidationError as error:
                    return invalid_request(error.errors())

            async def run(request: Request) -> Response:
                return await answer(
                    request, checked, has_body=has_body, max_body_bytes=settings.max_body_bytes
                )

            return run

    return ConversationRoute


def _endpoint_function(
    settings: Settings, endpoint: Endpoint, owner: Callable[..., Any]
) -> Callable[..., Coroutine[Any, Any, Response]]:
    """Return a function whose signature tells FastAPI what to validate and to describe."""

    async def run(request: Request, **arguments: Any) -> Response:
        if endpoint.is_public:
            call = settings.public_call(request)
        else:
            call = settings.call(request, arguments["owner"])
        validated = {name: arguments[name] for name in ("body", "query") if name in arguments}
        return await endpoint.handle(call, **validated)

    types: dict[str, Any] = {"request": Request}
    types |= {name: str for name in ("key", "message_id") if f"{{{name}}}" in endpoint.path}
    if endpoint.body is not None:
        types["body"] = endpoint.body
    if endpoint.query is not None:
        types["query"] = Annotated[endpoint.query, Query()]
    if not endpoint.is_public:
        types["owner"] = Annotated[Any, Depends(owner)]
    parameters = [_parameter(name, kind) for name, kind in types.items()]
    parameters += [_header(name) for name in endpoint.headers]
    run.__name__ = endpoint.name
    vars(run)["__signature__"] = inspect.Signature(parameters)
    return run


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


def _header(name: str) -> inspect.Parameter:
    """Describe a header; endpoints read it from the request."""
    kind = Annotated[str | None, Header(alias=name, description=HEADERS[name])]
    return _parameter(name.replace("-", "_"), kind, None)
