"""How large items and requests may be, and how large an item is.

Limits: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
(an item has at most 400 KB, names and values in UTF-8 counted; a hash key 2,048 bytes) and, for
a transaction (100 items, 4 MB), a batch of writes (25 items, 16 MB) and one of reads (100 items,
16 MB), the API reference's pages of TransactWriteItems, BatchWriteItem and BatchGetItem.
Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_ITEM_BYTES = 400 * 1024
MAX_KEY_BYTES = 2048
MAX_TRANSACTION_ITEMS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_BATCH_WRITES = 25
MAX_BATCH_WRITE_BYTES = 16 * 1024 * 1024
MAX_BATCH_READS = 100

Item = Mapping[str, Mapping[str, Any]]


def item_bytes(item: Item) -> int:
    """Return the bytes that the service counts for an item of strings, bytes and numbers."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "B":
        return len(content)
    # A number has about a byte for two digits and one more; the digits themselves are more.
    return len(content) + 1
