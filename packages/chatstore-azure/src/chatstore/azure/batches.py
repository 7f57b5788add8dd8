"""Operations of entity group transactions, and how many of them one takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chatstore.azure.sizes import MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, utf16_bytes

# Around an operation in a batch: its boundary, headers and URL, which repeats both keys.
_AROUND = 1000
_ESCAPED = 3  # characters at most that a character of a key takes in a URL
_FRAME = 500
_AROUND_BODY = 8192  # keys of the longest kind, stored and sent, and properties' names

Operation = tuple[Any, ...]
Entity = Mapping[str, Any]


def create(entity: Entity) -> Operation:
    """Create an entity; the batch fails with 409 where it exists."""
    return ("create", entity)


def put(entity: Entity) -> Operation:
    """Create or replace an entity."""
    return ("upsert", entity, {"mode": _replace_mode()})


def replace(entity: Entity, etag: str) -> Operation:
    """Replace an entity; the batch fails with 412 at another etag, 404 where it is gone."""
    return ("update", entity, {"mode": _replace_mode(), **_if_still(etag)})


def delete(entity: Entity, etag: str | None = None) -> Operation:
    """Delete an entity; the batch fails with 412 at another etag, 404 where it is gone."""
    return ("delete", entity) if etag is None else ("delete", entity, _if_still(etag))


def size_of(operation: Operation) -> int:
    """Return at least the bytes that an operation has in a batch: strings are sent in ASCII."""
    entity = operation[1]
    keys = len(entity["PartitionKey"]) + len(entity["RowKey"])
    return len(json.dumps(entity)) + _ESCAPED * keys + _AROUND


def weight(body: str) -> int:
    """Return at least the bytes that an entity with this body has, stored in UTF-16 or sent."""
    return max(utf16_bytes(body), len(json.dumps(body))) + _AROUND_BODY


def packed(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Put operations into as few batches as take them, in their order."""
    batch: list[Operation] = []
    size = _FRAME
    for operation in operations:
        more = size_of(operation)
        if batch and (len(batch) == MAX_BATCH_OPERATIONS or size + more > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], _FRAME
        batch.append(operation)
        size += more
    if batch:
        yield batch


def _if_still(etag: str) -> dict[str, Any]:
    from azure.core import MatchConditions  # noqa: PLC0415 - loaded with the client

    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _replace_mode() -> Any:
    from azure.data.tables import UpdateMode  # noqa: PLC0415 - loaded with the client

    return UpdateMode.REPLACE
