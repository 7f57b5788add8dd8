"""What the routers for FastAPI and Starlette share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import get_args

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from chatstore.core import ChatStore, ChatStoreError, InvalidArgumentError
from chatstore.core.checks import check_count, check_owner
from chatstore.core.messages import RoleName
from chatstore.core.store import check_store
from chatstore.http import conversation_endpoints, health_endpoint, message_endpoints
from chatstore.http.bodies import LimitedBody, check_media_type
from chatstore.http.endpoint import Call, Endpoint
from chatstore.http.problems import ProblemError, problem_response, response_for

ENDPOINTS: Sequence[Endpoint] = (
    *conversation_endpoints.endpoints.all,
    *message_endpoints.endpoints.all,
    *health_endpoint.endpoints.all,
)
MAX_BODY_BYTES = 1024 * 1024
WRITABLE_ROLES: tuple[RoleName, ...] = ("user",)


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked arguments of a router.

    Attributes:
        store: Where conversations are kept.
        writable_roles: The roles of messages that clients may write.
        max_body_bytes: The largest body of a request.

    """

    store: ChatStore
    writable_roles: Collection[str]
    max_body_bytes: int

    def call(self, request: Request, owner: object) -> Call:
        """Return the call of a request.

        Args:
            request: The request.
            owner: What the application's dependency returned.

        Raises:
            ProblemError: ``owner`` is ``None`` or empty: nobody is signed in.

        """
        if owner is None or owner == "":
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED, "owner_required", "Sign in to use conversations."
            )
        return Call(self.store, check_owner(owner), request, self.writable_roles)

    def public_call(self, request: Request) -> Call:
        """Return the call of a request to an endpoint that needs no owner."""
        return Call(self.store, "", request, self.writable_roles)


def check_settings(
    store: object, owner: object, writable_roles: Collection[RoleName], max_body_bytes: int
) -> Settings:
    """Check the arguments of a router.

    Raises:
        InvalidArgumentError: ``store`` is not a `ChatStore`, ``owner`` is not a function,
            ``writable_roles`` contains an unknown role, or ``max_body_bytes`` is not a positive
            integer.

    """
    if not callable(owner):
        raise InvalidArgumentError(
            "owner must be a function that returns the owner of a request, such as the id of the "
            f"user who is signed in, not {type(owner).__name__}"
        )
    roles = [writable_roles] if isinstance(writable_roles, str) else writable_roles
    unknown = sorted(set(roles) - set(get_args(RoleName)))
    if unknown:
        raise InvalidArgumentError(f"writable_roles has unknown roles: {', '.join(unknown)}")
    limit = check_count(max_body_bytes, "max_body_bytes", least=1)
    return Settings(check_store(store), frozenset(roles), limit)


async def answer(
    request: Request,
    handle: Callable[[Request], Awaitable[Response]],
    *,
    has_body: bool,
    max_body_bytes: int,
) -> Response:
    """Answer a request within the limit of its body; errors become problems.

    Args:
        request: The request.
        handle: Answers it.
        has_body: It must have a body of JSON.
        max_body_bytes: The largest body.

    """
    body = LimitedBody(request.receive, max_body_bytes)
    try:
        if has_body:
            check_media_type(request.headers)
            body.check_length(request.headers)
        response = await handle(Request(request.scope, body.receive))
    except (ChatStoreError, ProblemError) as error:
        response = response_for(error)
    except HTTPException as error:
        response = _from_http_exception(error)
    # Frameworks may have taken the error of reading for one of parsing.
    return response_for(body.problem()) if body.is_too_large else response


def _from_http_exception(error: HTTPException) -> Response:
    """Return a framework's, or an owner dependency's, exception as a problem."""
    return problem_response(
        error.status_code, "http_error", str(error.detail), headers=error.headers
    )
