"""Descriptions of responses and headers for OpenAPI."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from chatstore.http.endpoint import Endpoint
from chatstore.http.models import ConvertedMessages
from chatstore.http.problems import MEDIA_TYPE, Problem

HEADERS = {
    "if-match": "ETags that the conversation may have; otherwise the status is 412.",
    "if-none-match": "ETags that the client has; for one of them the status is 304.",
    "idempotency-key": "A repeated request with the same one creates nothing more.",
}
_ETAG = {"etag": {"description": "The conversation's revision.", "schema": {"type": "string"}}}


def response_descriptions(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of all responses of an endpoint."""
    # Problems have no nested models, so the schema refers to nothing else.
    problem = {MEDIA_TYPE: {"schema": Problem.model_json_schema(mode="serialization")}}
    described: dict[int | str, dict[str, Any]] = {
        int(status): {"description": meaning, "content": problem}
        for status, meaning in endpoint.all_problems.items()
    }
    if "if-none-match" in endpoint.headers:
        status = int(HTTPStatus.NOT_MODIFIED)
        described[status] = {"description": "The client has the current state.", "headers": _ETAG}
        described[int(endpoint.status)] = {"headers": _ETAG}
    if endpoint.media_types:
        schema = {"schema": ConvertedMessages.model_json_schema(mode="serialization")}
        content = dict.fromkeys(endpoint.media_types, schema)
        described[int(endpoint.status)]["content"] = content
    return described
