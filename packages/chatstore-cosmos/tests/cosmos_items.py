"""Requests for the documents of a container: single documents, batches, queries."""

from __future__ import annotations

import json

from cosmos_batch import execute_batch, patch_document
from cosmos_charges import read_charge, write_charge
from cosmos_documents import Documents, Version
from cosmos_queries import answer_query
from cosmos_rejections import RejectedError
from cosmos_requests import Reply, Request, charged, partition_key

MAX_REQUEST_BYTES = 4 * 1024 * 1024  # the gateway does not read more


def answer_documents(request: Request, documents: Documents, consistency: str) -> Reply:
    """Answer a request below ``docs``; reads see what consistency and session token guarantee."""
    lsn = _visible(request, documents, consistency)
    if request.kind in {"query", "plan"}:
        reply = answer_query(request, documents, lsn)
    elif request.kind == "batch":
        reply = _batch(request, documents)
    elif len(request.body) > MAX_REQUEST_BYTES:
        raise RejectedError(413, "Request size is too large.")
    elif len(request.segments) == 5:
        reply = _add(request, documents)
    else:
        reply = _answer_one(request, documents, lsn)
    ranges = _ranges_of(request, documents)
    headers = {
        "x-ms-session-token": ",".join(f"{n}:0#{lsn or documents.lsn}#1=-1" for n in ranges),
        "x-ms-alt-content-path": "/".join(request.segments[:4]),
        "x-ms-documentdb-partitionkeyrangeid": ranges[0],
    }
    return reply._replace(headers={**headers, **reply.headers})


def _ranges_of(request: Request, documents: Documents) -> list[str]:
    """Return the ids of the ranges that a request is about."""
    range_id = request.headers.get("x-ms-documentdb-partitionkeyrangeid")
    if range_id is not None:
        return [range_id]
    if "x-ms-documentdb-partitionkey" in request.headers:
        key = partition_key(request)
        return [one.id for one in documents.ranges if one.contains(key)]
    return [one.id for one in documents.ranges]


def _visible(request: Request, documents: Documents, consistency: str) -> int | None:
    """Return the newest sequence number that a read sees; ``None``: all."""
    level = request.headers.get("x-ms-consistency-level") or consistency
    if not documents.lag or level == "Strong" or request.kind not in {"read", "query"}:
        return None
    token = request.headers.get("x-ms-session-token", "")
    known = [int(part.split("#")[1]) for part in token.split(",") if part]
    return max([documents.lsn - documents.lag, *known])


def _batch(request: Request, documents: Documents) -> Reply:
    operations = json.loads(request.body)
    key, size = partition_key(request), len(request.body)
    status, results, charge = execute_batch(documents, key, operations, size)
    return Reply(status, results, charged(charge))


def _add(request: Request, documents: Documents) -> Reply:
    key, body = partition_key(request), json.loads(request.body)
    if request.kind == "upsert":
        version, is_new = documents.upsert(key, body, request.headers)
        return _document(201 if is_new else 200, version)
    if request.kind == "create":
        return _document(201, documents.create(key, body))
    raise RejectedError(405, "The double does not list documents.")


def _answer_one(request: Request, documents: Documents, lsn: int | None) -> Reply:
    key, item_id = partition_key(request), request.segments[5]
    body = json.loads(request.body) if request.body else None
    if request.kind == "read":
        existing = documents.need(key, item_id, lsn)
        if request.headers.get("if-none-match") == (existing.document or {})["_etag"]:
            return Reply(304, None, charged(1.0))
        return _document(200, existing, charge=read_charge(existing.size))
    if request.kind == "replace":
        return _document(200, documents.replace(key, item_id, body, request.headers))
    if request.kind == "patch":
        return _document(200, patch_document(documents, key, item_id, body, request.headers))
    if request.kind == "delete":
        existing = documents.delete(key, item_id, request.headers)
        return Reply(204, None, charged(write_charge(existing.size)))
    raise RejectedError(405, "The double does not support this request for a document.")


def _document(status: int, version: Version, *, charge: float | None = None) -> Reply:
    units = write_charge(version.size) if charge is None else charge
    document = version.document or {}
    return Reply(status, document, {**charged(units), "etag": document["_etag"]})
