"""Operations of transactional batches: their sizes, and what fits into one batch.

https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits: a request has at
most 2 MB, a batch 100 operations, an item 2 MB as JSON in UTF-8, an id 1,023 bytes. The service
does not document which megabyte it means; the smaller one is correct for both.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from chatstore.azure_core.batches import BatchLimits

MAX_OPERATIONS = 100
MAX_BATCH_BYTES = 1_000_000
LIMITS = BatchLimits(MAX_OPERATIONS, MAX_BATCH_BYTES, frame=len("[]"))
_COMMA = len(",")

Operation: TypeAlias = tuple[Any, ...]
Item: TypeAlias = dict[str, Any]


def create(item: Item) -> Operation:
    """Create an item; the batch fails with 409 if its id exists."""
    return ("create", (item,))


def upsert(item: Item) -> Operation:
    """Create or replace an item."""
    return ("upsert", (item,))


def replace(item: Item, etag: str) -> Operation:
    """Replace an item; the batch fails with 412 at another etag, 404 if it is missing."""
    return ("replace", (item["id"], item), {"if_match_etag": etag})


def delete(item_id: str, etag: str | None = None) -> Operation:
    """Delete an item; the batch fails with 412 at another etag, 404 if it is missing."""
    operation = ("delete", (item_id,))
    return operation if etag is None else (*operation, {"if_match_etag": etag})


def size_of(operation: Operation) -> int:
    """Return an upper bound of the bytes of an operation in a request.

    azure-cosmos sends escapes for characters outside of ASCII by default.
    """
    name, arguments, *options = operation
    wire = {"operationType": name, "id": "", "resourceBody": arguments[-1], "options": options}
    if len(arguments) > 1:
        wire["id"] = arguments[0]
    return len(json.dumps(wire, separators=(",", ":"))) + _COMMA
