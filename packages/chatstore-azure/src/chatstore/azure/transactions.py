"""Entity group transactions as HTTP: the body of a request, and what an answer says.

azure-data-tables builds and parses them with Python's ``email`` and with threads, which takes most
of an append's time. The format is documented:
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote
from wsgiref.handlers import format_date_time

from chatstore.azure.table import Entity, Operation

VERSION = "2019-02-02"
"""The version of the service's interface."""

_BOUNDARY = re.compile(rb'boundary="?([^"\r\n;]+)')
_XML_CODE = re.compile(r"<(?:\w+:)?code>(\w+)<", re.IGNORECASE)
_METHODS = {"create": "POST", "update": "PUT", "upsert": "PUT", "delete": "DELETE"}
_ANY_ETAG = "*"
_END = b"\r\n\r\n"


class Request(NamedTuple):
    """A request of a transaction: its headers and its body."""

    headers: dict[str, str]
    body: bytes


class Result(NamedTuple):
    """The answer to an operation.

    Attributes:
        status: The HTTP status.
        headers: The headers, by lower-case name.
        body: The body.

    """

    status: int
    headers: Mapping[str, str]
    body: str


def request_of(table_url: str, operations: Iterable[Operation], now: float) -> Request:
    """Return the request of a transaction, as azure-data-tables would send it.

    Args:
        table_url: The URL of the table, without a query.
        operations: The operations, as `chatstore.azure.batches` makes them.
        now: The time in seconds since 1970.

    """
    date = format_date_time(now)
    batch, changes = f"batch_{uuid.uuid4()}", f"changeset_{uuid.uuid4()}"
    lines = [f"--{batch}", f"Content-Type: multipart/mixed; boundary={changes}", ""]
    for number, operation in enumerate(operations):
        lines += [
            f"--{changes}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            f"Content-ID: {number}",
            "",
            *_lines_of(table_url, operation, date),
        ]
    lines += [f"--{changes}--", "", f"--{batch}--", ""]
    headers = {
        "x-ms-version": VERSION,
        "DataServiceVersion": "3.0",
        "MaxDataServiceVersion": "3.0;NetFx",
        "Content-Type": f"multipart/mixed; boundary={batch}",
        "Accept": "application/json",
        "x-ms-date": date,
        "Date": date,
    }
    return Request(headers, "\r\n".join(lines).encode())


def results_of(content: bytes, content_type: str) -> list[Result]:
    """Return the answers to the operations; after an error, only that of the one that failed.

    Raises:
        ValueError: This is not an answer to a transaction.

    """
    boundary = _BOUNDARY.search(content) or _BOUNDARY.search(content_type.encode())
    if boundary is None:
        raise ValueError("no boundary")
    pieces = content.split(b"--" + boundary[1])[1:-1]
    return [_result_of(piece) for piece in pieces]


def code_in(body: str, headers: Mapping[str, str]) -> str:
    """Return the service's code in the body of an error, which is JSON or XML; ``""`` if none."""
    try:
        code = json.loads(body)["odata.error"]["code"]
    except (ValueError, LookupError, TypeError):
        match = _XML_CODE.search(body)
        code = match[1] if match else headers.get("x-ms-error-code", "")
    return code if isinstance(code, str) else ""


def _lines_of(table_url: str, operation: Operation, date: str) -> list[str]:
    """Return the lines of an operation, with its body as the last one."""
    kind, entity, *rest = operation
    etag = (rest[0] if rest else {}).get("etag")
    body = "" if kind == "delete" else _json(entity)
    url = table_url if kind == "create" else f"{table_url}{_address(entity)}"
    lines = [f"{_METHODS[kind]} {url} HTTP/1.1"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    is_put = kind in {"update", "upsert"}
    lines += [
        f"x-ms-version: {VERSION}",
        "DataServiceVersion: 3.0",
        "Accept: application/json" + ("" if is_put else ";odata=minimalmetadata"),
    ]
    if etag is not None or kind == "delete":
        lines.append(f"If-Match: {etag or _ANY_ETAG}")
    return [*lines, f"x-ms-date: {date}", f"Date: {date}", "", body]


def _json(entity: Entity) -> str:
    """Return an entity, whose properties are text, as JSON in ASCII."""
    typed: dict[str, Any] = {}
    for name, value in entity.items():
        typed[name] = value
        typed[f"{name}@odata.type"] = "Edm.String"
    return json.dumps(typed)


def _address(entity: Entity) -> str:
    partition, row = (
        quote(entity[name].replace("'", "''"), safe="") for name in ("PartitionKey", "RowKey")
    )
    return f"(PartitionKey='{partition}',RowKey='{row}')"


def _result_of(piece: bytes) -> Result:
    _, _, answer = piece.partition(_END)
    head, _, body = answer.partition(_END)
    first, *lines = head.decode().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Result(int(first.split(" ")[1]), headers, body.decode().removesuffix("\r\n"))
