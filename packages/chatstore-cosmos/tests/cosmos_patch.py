"""Partial updates, with a condition.

https://learn.microsoft.com/azure/cosmos-db/partial-document-update
"""

from __future__ import annotations

import copy
from typing import Any

from cosmos_documents import Document
from cosmos_query import Query
from cosmos_rejections import RejectedError

MAX_OPERATIONS = 10


def patched(document: Document, patch: Any) -> Document:
    """Return the document with all operations applied, or reject the patch as a whole.

    ``add``, ``set``, ``replace``, ``remove`` and ``incr`` on properties are supported.
    """
    operations = patch.get("operations") if isinstance(patch, dict) else None
    if not isinstance(operations, list) or not 0 < len(operations) <= MAX_OPERATIONS:
        raise RejectedError(400, f"A patch has 1 to {MAX_OPERATIONS} operations.")
    condition = patch.get("condition")
    if condition is not None and not Query(f"SELECT * {condition}").matches(document):
        raise RejectedError(412, "One of the specified pre-condition is not met.")
    result = copy.deepcopy(document)
    for operation in operations:
        _apply(result, operation["op"], operation["path"], operation.get("value"))
    return result


def _apply(document: Document, name: str, path: str, value: Any) -> None:
    *parents, last = path.strip("/").split("/")
    target: Any = document
    for parent in parents:
        target = target.get(parent) if isinstance(target, dict) else None
    if not isinstance(target, dict) or path in {"/id", "/_etag", "/_ts"}:
        raise RejectedError(400, f"The path {path!r} cannot be patched.")
    if name in {"replace", "remove"} and last not in target:
        raise RejectedError(400, f"There is nothing at {path!r}.")
    if name in {"add", "set", "replace"}:
        target[last] = value
    elif name == "remove":
        del target[last]
    elif name == "incr" and isinstance(target.get(last, 0), (int, float)):
        target[last] = target.get(last, 0) + value
    else:
        raise RejectedError(400, f"The double does not support the operation {name!r} here.")
