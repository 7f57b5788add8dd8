"""What the service refuses and moto lets pass.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html, and the API
reference's pages of TransactWriteItems, BatchWriteItem and BatchGetItem.
"""

from __future__ import annotations

from typing import Any

from dynamodb_units import size_of

ITEM = 400 * 1024
_MIB = 1024 * 1024
_MOST = {
    "TransactWriteItems": (100, 4 * _MIB),
    "BatchWriteItem": (25, 16 * _MIB),
    "BatchGetItem": (100, 16 * _MIB),
}


def refusal(action: str, asked: dict[str, Any], primary_key: str = "SessionId") -> str | None:
    """Say why the service refuses a request; ``None``: it does not."""
    items = list(_items(action, asked))
    keys = [item[primary_key]["S"] for item in items if primary_key in item]
    if any(size_of(item) > ITEM for item in items):
        return "Item size has exceeded the maximum allowed size"
    if any(not 0 < len(key.encode()) <= 2048 for key in keys):
        return "One or more parameter values were invalid: size of hashkey"
    if len(set(keys)) < len(keys):
        return "Provided list of item keys contains duplicates"
    if action in _MOST:
        most, size = _MOST[action]
        if not (0 < len(items) <= most and sum(map(size_of, items)) <= size):
            return f"{action} has at most {most} items and {size} bytes"
    return None


def _items(action: str, asked: dict[str, Any]) -> Any:
    if action == "TransactWriteItems":
        for part in asked["TransactItems"]:
            [operation] = part.values()
            yield operation.get("Item") or operation["Key"]
    elif action == "BatchWriteItem":
        for writes in asked["RequestItems"].values():
            for write in writes:
                [operation] = write.values()
                yield operation.get("Item") or operation["Key"]
    elif action == "BatchGetItem":
        for wanted in asked["RequestItems"].values():
            yield from wanted["Keys"]
    elif action in {"PutItem", "GetItem", "DeleteItem", "UpdateItem"}:
        yield asked.get("Item") or asked["Key"]
