"""Responses without problems."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

# Conversations are private, and change: caches must ask each time, with the ETag.
_CACHE = {"cache-control": "private, no-cache"}


def json_reply(
    body: Any,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    etag: str | None = None,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response with JSON.

    Args:
        body: A value that may contain pydantic models.
        status: The status.
        etag: The header ``ETag``.
        media_type: The media type, one of JSON.
        headers: Other headers.

    """
    tag = {} if etag is None else {"etag": etag}
    return Response(to_json(body), status, {**_CACHE, **tag, **(headers or {})}, media_type)


def empty_reply() -> Response:
    """Return a response without a body."""
    return Response(None, HTTPStatus.NO_CONTENT, _CACHE)


def not_modified(etag: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a client that has the current representation."""
    return Response(None, HTTPStatus.NOT_MODIFIED, {**_CACHE, "etag": etag, **(headers or {})})
