"""Operations of transactional batches, and how many of them one batch takes.

https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits: 2 MB a request and
100 operations a batch; an item has 2 MB as JSON in UTF-8, its id 1,023 bytes. The service says
nowhere which megabyte it means: the smaller one holds for both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

MAX_OPERATIONS = 100
MAX_BATCH_BYTES = 1_000_000
MAX_ID_BYTES = 1023
_AROUND = len("[]")
_BETWEEN = len(",")

Operation = tuple[Any, ...]
Item = dict[str, Any]


def create(item: Item) -> Operation:
    """Create an item; the batch fails with 409 where its id exists."""
    return ("create", (item,))


def upsert(item: Item) -> Operation:
    """Create or replace an item."""
    return ("upsert", (item,))


def replace(item: Item, etag: str) -> Operation:
    """Replace an item; the batch fails with 412 where it has another etag, 404 where it is gone."""
    return ("replace", (item["id"], item), {"if_match_etag": etag})


def delete(item_id: str, etag: str | None = None) -> Operation:
    """Delete an item; the batch fails with 412 at another etag, 404 where it is gone."""
    place = ("delete", (item_id,))
    return place if etag is None else (*place, {"if_match_etag": etag})


def size_of(operation: Operation) -> int:
    """Return at least the bytes that an operation has in a request.

    azure-cosmos writes non-ASCII characters as escapes, unless a client is told otherwise.
    """
    name, arguments, *options = operation
    wire = {"operationType": name, "id": "", "resourceBody": arguments[-1], "options": options}
    if len(arguments) > 1:
        wire["id"] = arguments[0]
    return len(json.dumps(wire, separators=(",", ":"))) + _BETWEEN


def packed(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Put operations into as few batches as take them, in their order."""
    batch: list[Operation] = []
    size = _AROUND
    for operation in operations:
        more = size_of(operation)
        if batch and (len(batch) == MAX_OPERATIONS or size + more > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], _AROUND
        batch.append(operation)
        size += more
    if batch:
        yield batch
