"""Errors as problem details (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from chatstore.core import (
    ChatStoreError,
    ConversationChangedError,
    ConversationNotFoundError,
    CorruptMessageError,
    InvalidArgumentError,
    InvalidKeyError,
    MessageConflictError,
    MessageNotFoundError,
    MessageTooLargeError,
    RevisionConflictError,
    StoreFullError,
    StoreUnavailableError,
)

logger = logging.getLogger("chatstore.http")

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = "1"
_UNKNOWN = ("store_error", HTTPStatus.INTERNAL_SERVER_ERROR, "The conversation store failed.")

# The first class that fits decides: a code, a status, and a text. Without a text, the error's own
# is sent, which never contains content, keys or secrets.
_ERRORS: Sequence[tuple[type[ChatStoreError], str, HTTPStatus, str | None]] = (
    (
        ConversationNotFoundError,
        "conversation_not_found",
        HTTPStatus.NOT_FOUND,
        "There is no such conversation.",
    ),
    # A name that cannot be a key is the key of a missing conversation.
    (
        InvalidKeyError,
        "conversation_not_found",
        HTTPStatus.NOT_FOUND,
        "There is no such conversation.",
    ),
    (
        MessageNotFoundError,
        "message_not_found",
        HTTPStatus.NOT_FOUND,
        "The conversation has no such message.",
    ),
    (
        RevisionConflictError,
        "revision_conflict",
        HTTPStatus.PRECONDITION_FAILED,
        "The conversation has changed since this ETag was sent; read it again.",
    ),
    (
        MessageConflictError,
        "message_conflict",
        HTTPStatus.CONFLICT,
        "The conversation has a message with this id and other content.",
    ),
    (
        ConversationChangedError,
        "conversation_changing",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The conversation changed again and again while it was read; try again.",
    ),
    (MessageTooLargeError, "message_too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, None),
    (InvalidArgumentError, "invalid_request", HTTPStatus.UNPROCESSABLE_ENTITY, None),
    (
        StoreUnavailableError,
        "store_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The conversation store does not answer; try again.",
    ),
    (
        StoreFullError,
        "store_full",
        HTTPStatus.INSUFFICIENT_STORAGE,
        "The conversation store is full.",
    ),
    (
        CorruptMessageError,
        "message_damaged",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "A stored message is damaged.",
    ),
)


class Problem(BaseModel):
    """What is wrong with a request, or with the server (RFC 9457)."""

    type: str = Field("about:blank", description="The status says what kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status of the response.")
    detail: str = Field(description="What is wrong, and what to do.")
    code: str = Field(description="A name for programs, such as `revision_conflict`.")
    errors: list[str] = Field([], description="What is wrong with each part of the request.")


class ProblemError(Exception):
    """Answers a request with a problem."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, errors: Sequence[str] = ()
    ) -> None:
        """Take the parts of a `Problem`."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.errors = list(errors)


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response with problem details."""
    problem = Problem(
        type="about:blank",
        title=_title(status),
        status=int(status),
        detail=detail,
        code=code,
        errors=list(errors),
    )
    content = problem.model_dump_json()
    # Caches may store some errors, such as 404, unless they are told not to.
    return Response(content, status, {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # an application may raise HTTPException with any status
        return "Unregistered Status"


def response_for(error: ChatStoreError | ProblemError) -> Response:
    """Return the response for an error."""
    if isinstance(error, ProblemError):
        return problem_response(error.status, error.code, str(error), errors=error.errors)
    code, status, detail = _describe(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s", error)
    is_temporary = status == HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"retry-after": _RETRY_SECONDS} if is_temporary else {}
    return problem_response(status, code, detail, headers=headers)


def invalid_request(errors: Iterable[Mapping[str, Any]]) -> Response:
    """Return the response for values that pydantic refuses, without quoting them."""
    lines = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in errors]
    return problem_response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The request is not valid; see the errors.",
        errors=lines,
    )


def _describe(error: ChatStoreError) -> tuple[str, HTTPStatus, str]:
    for kind, code, status, detail in _ERRORS:
        if isinstance(error, kind):
            return code, status, str(error.args[0]) if detail is None else detail
    return _UNKNOWN
