"""Write and read units by the service's documented formula: moto reports a constant.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html:
a write takes one unit for each started KB of the item, the larger of the old and the new one, and
twice that in a transaction; a strongly consistent read takes one for each started 4 KB of an
item, at least one. The units of a scan cannot be computed from its answer, and are left out.
Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

import base64
from math import ceil
from typing import Any


def size_of(item: dict[str, Any]) -> int:
    """Return an item's bytes: names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "B":
        return len(base64.b64decode(content))
    if kind == "N":
        return ceil(len(content.strip("-").replace(".", "").strip("0") or "0") / 2) + 1
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "L":
        return 3 + sum(1 + _value_size(part) for part in content)
    if kind == "M":
        return 3 + sum(1 + len(n.encode()) + _value_size(v) for n, v in content.items())
    raise ValueError(f"no formula for {kind}")


def units_of(action: str, request: dict[str, Any], answered: dict[str, Any]) -> dict[str, float]:
    """Return the units that a successful request consumed."""
    return {"write": _written(action, request), "read": _read(action, request, answered)}


def _written(action: str, request: dict[str, Any]) -> int:
    if action == "PutItem":
        return _write_units(request["Item"])
    if action == "DeleteItem":
        return 1
    if action == "BatchWriteItem":
        [writes] = request["RequestItems"].values()
        return sum(_write_units(w.get("PutRequest", {}).get("Item", {})) for w in writes)
    if action == "TransactWriteItems":
        parts = [next(iter(item.values())) for item in request["TransactItems"]]
        return sum(2 * _write_units(part.get("Item", {})) for part in parts)
    return 0


def _read(action: str, request: dict[str, Any], answered: dict[str, Any]) -> float:
    if action == "GetItem":
        return _read_units(answered.get("Item", {})) * (1 if request.get("ConsistentRead") else 0.5)
    if action == "BatchGetItem":
        [(table, batch)] = request["RequestItems"].items()
        items = answered["Responses"].get(table, [])
        missing = len(batch["Keys"]) - len(items)
        units = sum(map(_read_units, items)) + missing
        return units * (1 if batch.get("ConsistentRead") else 0.5)
    return 0


def _write_units(item: dict[str, Any]) -> int:
    return max(1, ceil(size_of(item) / 1024))


def _read_units(item: dict[str, Any]) -> int:
    return max(1, ceil(size_of(item) / 4096))
