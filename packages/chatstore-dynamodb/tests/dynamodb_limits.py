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


Types = dict[str, dict[str, str]]
"""By table, the types of the attributes of its key and its indexes."""


def note_table(types: Types, action: str, asked: dict[str, Any]) -> None:
    """Keep the types that a new table defines."""
    if action == "CreateTable":
        types[asked["TableName"]] = {
            attribute["AttributeName"]: attribute["AttributeType"]
            for attribute in asked["AttributeDefinitions"]
        }


def refusal(
    action: str, asked: dict[str, Any], types: Types, primary_key: str = "SessionId"
) -> str | None:
    """Say why the service refuses a request; ``None``: it does not."""
    items = list(_items(action, asked))
    table = _table(action, asked)
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


def _table(action: str, asked: dict[str, Any]) -> str:
    if action == "TransactWriteItems":
        [operation, *_] = asked["TransactItems"][0].values()
        return str(operation["TableName"])
    return str(asked.get("TableName") or next(iter(asked.get("RequestItems", {})), ""))


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
