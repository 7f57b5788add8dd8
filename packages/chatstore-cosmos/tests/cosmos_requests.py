"""Requests and replies, without HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from cosmos_rejections import RejectedError


class Request(NamedTuple):
    """A request; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def segments(self) -> list[str]:
        return [unquote(segment) for segment in self.path.strip("/").split("/") if segment]

    @property
    def kind(self) -> str:
        """A short name: account, database, container, ranges, plan, query, batch, or a method's."""
        segments = self.segments
        if len(segments) < 4:
            return "account" if not segments else "database" if len(segments) < 3 else "container"
        if len(segments) == 4:
            return "container"
        if segments[4] == "pkranges":
            return "ranges"
        if self.headers.get("x-ms-cosmos-is-batch-request", "").lower() == "true":
            return "batch"
        if self.headers.get("x-ms-cosmos-is-query-plan-request", "").lower() == "true":
            return "plan"
        if self.headers.get("x-ms-documentdb-isquery", "").lower() == "true":
            return "query"
        if self.headers.get("x-ms-documentdb-is-upsert", "").lower() == "true":
            return "upsert"
        names = {"POST": "create", "GET": "read", "PUT": "replace", "DELETE": "delete"}
        return names.get(self.method, self.method.lower())


class Reply(NamedTuple):
    """An answer; the body is JSON, or ``None``."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}

    @property
    def payload(self) -> bytes:
        """The body in bytes."""
        return b"" if self.body is None else json.dumps(self.body).encode()


def partition_key(request: Request) -> str:
    """Return the value of a request's partition key, as JSON."""
    text = request.headers.get("x-ms-documentdb-partitionkey")
    value = json.loads(text) if text else None
    if not isinstance(value, list) or len(value) != 1:
        raise RejectedError(400, "PartitionKey value must be supplied for this operation.")
    return json.dumps(value)


def charged(units: float) -> dict[str, str]:
    """Return the header with the charge."""
    return {"x-ms-request-charge": f"{units:.2f}"}
