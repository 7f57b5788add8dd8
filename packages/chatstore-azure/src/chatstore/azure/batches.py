"""Operations of entity group transactions: their sizes, and what fits into one transaction."""

from __future__ import annotations

import json
from typing import Any

from chatstore.azure.sizes import MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, utf16_bytes
from chatstore.azure.table import Entity, Operation
from chatstore.azure_core.batches import BatchLimits

# Upper bounds in bytes.
_OPERATION = 1000  # the boundary, headers and URL of an operation, without the keys in the URL
_ESCAPED = 3  # a key's character in a URL
_FRAME = 500  # around all operations
_AROUND_BODY = 8192  # the longest keys, stored and sent, and the names of properties

LIMITS = BatchLimits(MAX_BATCH_OPERATIONS, MAX_BATCH_BYTES, frame=_FRAME)


def create(entity: Entity) -> Operation:
    """Create an entity; the batch fails with 409 if it exists."""
    return ("create", entity)


def put(entity: Entity) -> Operation:
    """Create or replace an entity."""
    return ("upsert", entity, {"mode": _replace_mode()})


def replace(entity: Entity, etag: str) -> Operation:
    """Replace an entity; the batch fails with 412 at another etag, 404 if it is missing."""
    return ("update", entity, {"mode": _replace_mode(), **_if_unchanged(etag)})


def delete(entity: Entity, etag: str | None = None) -> Operation:
    """Delete an entity; the batch fails with 412 at another etag, 404 if it is missing."""
    return ("delete", entity) if etag is None else ("delete", entity, _if_unchanged(etag))


def size_of(operation: Operation) -> int:
    """Return an upper bound of the bytes of an operation in a batch; strings are sent in ASCII."""
    entity = operation[1]
    keys = len(entity["PartitionKey"]) + len(entity["RowKey"])
    return len(json.dumps(entity)) + _ESCAPED * keys + _OPERATION


def weight(body: str) -> int:
    """Return an upper bound of the bytes of an entity with this body, stored in UTF-16 or sent."""
    return max(utf16_bytes(body), len(json.dumps(body))) + _AROUND_BODY


def _if_unchanged(etag: str) -> dict[str, Any]:
    from azure.core import MatchConditions  # loaded with the client

    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _replace_mode() -> Any:
    from azure.data.tables import UpdateMode  # loaded with the client

    return UpdateMode.REPLACE
