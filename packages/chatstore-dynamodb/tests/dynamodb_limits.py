"""Requests that the service refuses and moto accepts.

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


Types = dict[str, dict[str, str]]
"""The types of the attributes of keys and indexes, by table."""


def note_table(types: Types, action: str, request: dict[str, Any]) -> None:
    """Remember the types that a new table defines."""
    if action == "CreateTable":
        types[request["TableName"]] = {
            attribute["AttributeName"]: attribute["AttributeType"]
            for attribute in request["AttributeDefinitions"]
        }


def refusal(
    action: str, request: dict[str, Any], types: Types, primary_key: str = "SessionId"
) -> str | None:
    """Return why the service refuses a request; ``None``: it accepts it."""
    items = list(_items(action, request))
    table = _table(action, request)
    for name, kind in types.get(table, {}).items():
        if any(name in item and kind not in item[name] for item in items):
            return f"One or more parameter values were invalid: Type mismatch for key {name}"
    if any(primary_key in item and "S" not in item[primary_key] for item in items):
        return None
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


def _table(action: str, request: dict[str, Any]) -> str:
    if action == "TransactWriteItems":
        [operation, *_] = request["TransactItems"][0].values()
        return str(operation["TableName"])
    return str(request.get("TableName") or next(iter(request.get("RequestItems", {})), ""))


def _items(action: str, request: dict[str, Any]) -> Any:
    if action == "TransactWriteItems":
        for part in request["TransactItems"]:
            [operation] = part.values()
            yield operation.get("Item") or operation["Key"]
    elif action == "BatchWriteItem":
        for writes in request["RequestItems"].values():
            for write in writes:
                [operation] = write.values()
                yield operation.get("Item") or operation["Key"]
    elif action == "BatchGetItem":
        for batch in request["RequestItems"].values():
            yield from batch["Keys"]
    elif action in {"PutItem", "GetItem", "DeleteItem", "UpdateItem"}:
        yield request.get("Item") or request["Key"]
