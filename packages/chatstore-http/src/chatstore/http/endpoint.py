"""What an endpoint is, independent of the web framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Concatenate, ParamSpec, get_type_hints

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from chatstore.core import ChatStore, ConversationNotFoundError, MessageNotFoundError
from chatstore.http.etags import expected_revisions
from chatstore.http.owned import OwnedConversations
from chatstore.http.paths import segment_name

P = ParamSpec("P")

# Besides those that an endpoint lists. Every endpoint may fail with them.
_COMMON_PROBLEMS = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "The store failed.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The store does not answer.",
}
_OWNED_PROBLEMS = {
    HTTPStatus.UNAUTHORIZED: "The request has no owner.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request is not valid.",
}
_BODY_PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "The body cannot be read.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body, or a message, is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON.",
}
_WRITE_PROBLEMS = {HTTPStatus.INSUFFICIENT_STORAGE: "The store is full."}
_MISSING = {HTTPStatus.NOT_FOUND: "The owner has no such conversation, or it no such message."}
_CHANGED = {HTTPStatus.PRECONDITION_FAILED: "The conversation does not have this ETag."}


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an endpoint.

    Attributes:
        store: Where conversations are kept.
        owner: Whose conversations the request may use.
        request: The request.
        writable_roles: The roles of messages that clients may write.

    """

    store: ChatStore
    owner: str
    request: Request
    writable_roles: Collection[str]

    @property
    def conversations(self) -> OwnedConversations:
        """The owner's conversations."""
        return OwnedConversations(self.store, self.owner)

    @property
    def key(self) -> str:
        """The key in the path."""
        key = segment_name(self.request.path_params["key"])
        if key is None:
            raise ConversationNotFoundError("a segment of the path is not a key")
        return key

    @property
    def message_id(self) -> str:
        """The message's id in the path."""
        message_id = segment_name(self.request.path_params["message_id"])
        if message_id is None:
            raise MessageNotFoundError("a segment of the path is not an id")
        return message_id

    @property
    def revisions(self) -> Collection[str] | None:
        """The revisions that the conversation may have, ``None``: any."""
        return expected_revisions(self.request.headers.get("if-match"))

    @property
    def request_id(self) -> str | None:
        """What a repeated request has in common with the first one."""
        return self.request.headers.get("idempotency-key") or None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint.

    Attributes:
        method: The method.
        path: The path, with ``{key}`` and ``{message_id}``.
        handle: Answers a call; its other argument is the validated ``query`` or ``body``.
        body: The model of the request's body; ``None``: it has no body.
        query: The model of the request's query.
        reply: The model of the response's body; ``None``: it has no body.
        status: The status of a response without a problem.
        headers: The headers that a client may send.
        is_public: It needs no owner, because it shows no conversation.
        problems: The statuses of problems that are its own.
        media_types: Other media types of the response than JSON.

    """

    method: str
    path: str
    handle: Callable[..., Awaitable[Response]]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    reply: type[BaseModel] | None
    status: HTTPStatus
    headers: Sequence[str]
    is_public: bool
    problems: Mapping[HTTPStatus, str]
    media_types: Sequence[str]

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self.handle.__name__

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0].rstrip(".")

    @property
    def all_problems(self) -> dict[HTTPStatus, str]:
        """The statuses of all its problems, with their meaning."""
        problems = dict(_COMMON_PROBLEMS)
        if not self.is_public:
            problems.update(_OWNED_PROBLEMS)
        if "{key}" in self.path:
            problems.update(_MISSING)
        if self.body is not None:
            problems.update(_BODY_PROBLEMS)
        if self.method != "GET":
            problems.update(_WRITE_PROBLEMS)
        if "if-match" in self.headers:
            problems.update(_CHANGED)
        problems.update(self.problems)
        return dict(sorted(problems.items()))


class Endpoints:
    """Collects endpoints."""

    def __init__(self) -> None:
        """Begin without endpoints."""
        self.all: list[Endpoint] = []

    def add(
        self,
        method: str,
        path: str,
        *,
        reply: type[BaseModel] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Sequence[str] = (),
        is_public: bool = False,
        problems: Mapping[HTTPStatus, str] | None = None,
        media_types: Sequence[str] = (),
    ) -> Callable[
        [Callable[Concatenate[Call, P], Awaitable[Response]]],
        Callable[Concatenate[Call, P], Awaitable[Response]],
    ]:
        """Return a decorator that adds a function as an endpoint; see `Endpoint`."""

        def decorate(
            handle: Callable[Concatenate[Call, P], Awaitable[Response]],
        ) -> Callable[Concatenate[Call, P], Awaitable[Response]]:
            hints = get_type_hints(handle)
            endpoint = Endpoint(
                method=method,
                path=path,
                handle=handle,
                body=hints.get("body"),
                query=hints.get("query"),
                reply=reply,
                status=status,
                headers=headers,
                is_public=is_public,
                problems=problems or {},
                media_types=media_types,
            )
            self.all.append(endpoint)
            return handle

        return decorate
