"""Queries: within a partition, across partitions, and in one range of partitions.

The gateway serves a query across partitions only if their results need no merging. It refuses one
with ``ORDER BY`` or ``TOP``; then the client asks for a plan, sends its rewritten query to each
range, and merges the results: https://learn.microsoft.com/rest/api/cosmos-db/querying-cosmosdb-resources-using-the-rest-api
"""

from __future__ import annotations

import json
from typing import Any

from cosmos_charges import query_charge
from cosmos_documents import Documents, Version
from cosmos_index import is_indexed
from cosmos_query import Query
from cosmos_rejections import RejectedError
from cosmos_requests import Reply, Request, charged, partition_key

PAGE_BYTES = 4 * 1024 * 1024  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits
DEFAULT_PAGE = 100
_NOT_SERVABLE = 1004


def answer_query(request: Request, documents: Documents, lsn: int | None) -> Reply:
    """Answer with a page of a query's result, or with its plan."""
    body = json.loads(request.body)
    query = Query(body["query"], body.get("parameters", ()))
    if request.kind == "plan":
        return Reply(200, _plan(query), charged(1.0))
    key, range_id = _scope(request, query)
    _check_order(query, documents)
    candidates = _candidates(documents, query, key, range_id, lsn)
    matching = [version for version in candidates if query.matches(version.document or {})]
    matching = query.sort(matching, lambda version: version.document or {})[: query.top]
    token = request.headers.get("x-ms-continuation", "0")
    if not token.isdecimal():
        raise RejectedError(400, "The continuation token is not valid.")
    start = int(token)
    page = _page(matching[start:], int(request.headers.get("x-ms-max-item-count", DEFAULT_PAGE)))
    uses_index = all(is_indexed(documents.policy, path) for path in query.paths)
    headers = charged(query_charge([one.size for one in (page if uses_index else candidates)]))
    headers["x-ms-item-count"] = str(len(page))
    if start + len(page) < len(matching):
        headers["x-ms-continuation"] = str(start + len(page))
    shaped = [query.shape(version.document or {}) for version in page]
    return Reply(200, {"_rid": documents.rid, "Documents": shaped, "_count": len(page)}, headers)


def _scope(request: Request, query: Query) -> tuple[str | None, str | None]:
    """Return the partition key or the id of the range that a query is about; neither: all."""
    if "x-ms-documentdb-partitionkey" in request.headers:
        return partition_key(request), None
    range_id = request.headers.get("x-ms-documentdb-partitionkeyrangeid")
    if range_id is not None:
        return None, range_id
    allowed = request.headers.get("x-ms-documentdb-query-enablecrosspartition", "")
    if allowed.lower() != "true":
        raise RejectedError(400, "Cross partition query is required but disabled.")
    if query.order is not None or query.top is not None:
        text = "The cross partition query can not be directly served by the gateway."
        raise RejectedError(400, text, substatus=_NOT_SERVABLE)
    return None, None


def _check_order(query: Query, documents: Documents) -> None:
    if query.order is None:
        return
    if not is_indexed(documents.policy, query.order.path):
        raise RejectedError(
            400, "The index path corresponding to the specified order-by item is excluded."
        )
    if not query.paths <= {query.order.path}:
        raise RejectedError(
            400,
            "The double has no composite indexes: conditions must be about the sorted property.",
        )


def _plan(query: Query) -> dict[str, Any]:
    """Return the plan of a query across partitions."""
    order = query.order
    info: dict[str, Any] = {"distinctType": "None", "top": query.top, "hasSelectValue": False}
    if order is not None:
        if not query.fields:
            raise RejectedError(400, "The double sorts only queries that select fields.")
        path = "c" + order.path.replace("/", ".")
        direction = "DESC" if order.is_descending else "ASC"
        fields = ", ".join(f'"{field.name}": {field.text}' for field in query.fields)
        info["orderBy"] = ["Descending" if order.is_descending else "Ascending"]
        info["orderByExpressions"] = [path]
        info["rewrittenQuery"] = (
            f"SELECT {'' if query.top is None else f'TOP {query.top}'} c._rid, "
            f'[{{"item": {path}}}] AS orderByItems, {{{fields}}} AS payload FROM c '
            f"WHERE ({query.condition}) AND ({{documentdb-formattableorderbyquery-filter}}) "
            f"ORDER BY {path} {direction}"
        )
    whole = {"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": info,
        "queryRanges": [whole],
    }


def _page(versions: list[Version], most: int) -> list[Version]:
    """Return the first versions: at least one, at most ``most``, as many as fit into a page."""
    size = 0
    for count, version in enumerate(versions):
        size += version.size
        if count and (count == most or size > PAGE_BYTES):
            return versions[:count]
    return versions


def _candidates(
    documents: Documents, query: Query, key: str | None, range_id: str | None, lsn: int | None
) -> list[Version]:
    """Return documents that may match; documents of known ids are looked up."""
    if key is None or query.ids is None:
        return list(documents.scan(key, lsn, range_id))
    versions = [documents.find(key, item_id, lsn) for item_id in dict.fromkeys(query.ids)]
    return [version for version in versions if version is not None]
