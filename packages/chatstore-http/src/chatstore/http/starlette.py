"""Routes for Starlette."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatstore.core import ChatStore
from chatstore.core.messages import RoleName
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

OwnerFunction = Callable[[Request], "str | Awaitable[str | None] | None"]
_Handler = Callable[[Request], Awaitable[Response]]


def routes(
    store: ChatStore,
    *,
    owner: OwnerFunction,
    writable_roles: Collection[RoleName] = WRITABLE_ROLES,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> list[Route]:
    """Return routes that serve the conversations of the owner of each request.

    Mount them: ``Starlette(routes=[Mount("/api", routes=routes(store, owner=owner))])``.

    Args:
        store: Where conversations are kept. It is not closed.
        owner: Returns the owner of a request, such as the id of the user who is signed in. It may
            be ``async``. ``None`` answers the request with status 401; it may also raise
            Starlette's ``HTTPException``.
        writable_roles: The roles of messages that clients may add and edit. A client that may
            write system messages or answers can change what a model is told.
        max_body_bytes: The largest body of a request.

    Raises:
        InvalidArgumentError: An argument is not valid; see `Args`.

    """
    settings = check_settings(store, owner, writable_roles, max_body_bytes)
    return [
        Route(
            endpoint.path,
            _endpoint_function(settings, endpoint, owner),
            methods=[endpoint.method],
            name=endpoint.name,
        )
        for endpoint in ENDPOINTS
    ]


def _endpoint_function(settings: Settings, endpoint: Endpoint, owner: OwnerFunction) -> _Handler:
    async def handle(request: Request) -> Response:
        if endpoint.is_public:
            call = settings.public_call(request)
        else:
            call = settings.call(request, await _owner_of(request, owner))
        try:
            arguments = await _arguments(request, endpoint)
        except ValidationError as error:
            return invalid_request(error.errors(include_input=False, include_context=False))
        return await endpoint.handle(call, **arguments)

    async def run(request: Request) -> Response:
        return await answer(
            request,
            handle,
            has_body=endpoint.body is not None,
            max_body_bytes=settings.max_body_bytes,
        )

    return run


async def _owner_of(request: Request, owner: OwnerFunction) -> object:
    if inspect.iscoroutinefunction(owner):
        return await owner(request)
    result = await run_in_threadpool(owner, request)
    return await result if inspect.isawaitable(result) else result


async def _arguments(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.body is not None:
        return {"body": endpoint.body.model_validate_json(await request.body())}
    if endpoint.query is not None:
        return {"query": endpoint.query.model_validate(dict(request.query_params))}
    return {}
