"""Transactional batches: all operations or none.

https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosmos_charges import read_charge, write_charge
from cosmos_documents import Documents, Version, check_conditions
from cosmos_patch import patched
from cosmos_rejections import RejectedError

MAX_OPERATIONS = 100
MAX_BYTES = 2 * 1024 * 1024
FAILED_DEPENDENCY = 424


def execute_batch(
    documents: Documents, key: str, operations: Any, size: int
) -> tuple[int, list[dict[str, Any]], float]:
    """Return the status (200 or 207), the result of each operation, and the charge."""
    if not isinstance(operations, list) or not 0 < len(operations) <= MAX_OPERATIONS:
        raise RejectedError(400, f"A batch has 1 to {MAX_OPERATIONS} operations.")
    if size > MAX_BYTES:
        raise RejectedError(413, "Request size is too large.")
    results: list[dict[str, Any]] = []
    charge = 0.0
    try:
        with documents.transaction():
            for operation in operations:
                result = _execute(documents, key, operation)
                charge += result["requestCharge"]
                results.append(result)
    except RejectedError as rejected:
        failed = [_result(FAILED_DEPENDENCY) for _ in operations]
        failed[len(results)] = _result(rejected.status, charge=1.0)
        failed[len(results)]["subStatusCode"] = rejected.substatus
        return 207, failed, charge + 1.0
    return 200, results, charge


def _execute(documents: Documents, key: str, operation: dict[str, Any]) -> dict[str, Any]:
    kind, item_id = operation.get("operationType"), operation.get("id", "")
    body = operation.get("resourceBody")
    conditions = {
        name.lower(): operation[field]
        for name, field in (("If-Match", "ifMatch"), ("If-None-Match", "ifNoneMatch"))
        if operation.get(field)
    }
    if kind == "Create":
        return _written(201, documents.create(key, body))
    if kind == "Upsert":
        version, is_new = documents.upsert(key, body, conditions)
        return _written(201 if is_new else 200, version)
    if kind == "Replace":
        return _written(200, documents.replace(key, item_id, body, conditions))
    if kind == "Patch":
        return _written(200, patch_document(documents, key, item_id, body, conditions))
    if kind == "Delete":
        deleted = documents.delete(key, item_id, conditions)
        return _result(204, charge=write_charge(deleted.size))
    if kind == "Read":
        existing = documents.need(key, item_id)
        return {**_written(200, existing), "requestCharge": read_charge(existing.size)}
    raise RejectedError(400, f"The double does not support the operation {kind!r}.")


def patch_document(
    documents: Documents, key: str, item_id: str, patch: Any, conditions: Mapping[str, str]
) -> Version:
    """Apply a patch to a stored document."""
    existing = documents.need(key, item_id)
    check_conditions(existing, conditions)
    return documents.replace(key, item_id, patched(existing.document or {}, patch), {})


def _written(status: int, version: Version) -> dict[str, Any]:
    result = _result(status, charge=write_charge(version.size))
    return {**result, "resourceBody": version.document, "eTag": (version.document or {})["_etag"]}


def _result(status: int, *, charge: float = 0.0) -> dict[str, Any]:
    return {"statusCode": status, "requestCharge": charge}
