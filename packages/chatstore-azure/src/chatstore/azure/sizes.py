"""How large properties, entities and batches may be, and texts in pieces that fit.

https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model: a
string has at most 64 KiB in UTF-16, an entity 1 MiB, names and keys in UTF-16 counted.
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions: 100
operations and 4 MiB a batch; by https://learn.microsoft.com/azure/cosmos-db/table/faq the Table API
takes 2 MB, and row keys of 255 bytes. What fits both is used for both. A batch stays below 1 MiB:
aiohttp warns of larger bodies, since sending one stops the event loop for a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_STRING_BYTES = 64 * 1024
MAX_RECORD_BYTES = 900_000  # an entity, of which one fits a batch
MAX_BATCH_OPERATIONS = 100
MAX_BATCH_BYTES = 1_000_000
MAX_ROW_KEY_BYTES = 255
_UNIT = 2  # bytes
_LAST_HIGH_SURROGATE = 0xDBFF
_FIRST_HIGH_SURROGATE = 0xD800


def pieces(text: str) -> Iterator[str]:
    """Cut a text into strings that fit a property each, never within a character."""
    data = text.encode("utf-16-le")
    start = 0
    while start < len(data):
        end = min(start + MAX_STRING_BYTES, len(data))
        last = int.from_bytes(data[end - _UNIT : end], "little")
        if _FIRST_HIGH_SURROGATE <= last <= _LAST_HIGH_SURROGATE:
            end -= _UNIT
        yield data[start:end].decode("utf-16-le")
        start = end


def entity_bytes(entity: Mapping[str, Any]) -> int:
    """Return the bytes that the service counts for an entity of strings and numbers.

    https://learn.microsoft.com/archive/blogs/avkashchauhan/how-the-size-of-an-entity-is-caclulated-in-windows-azure-table-storage
    """
    return 4 + sum(
        8 + _UNIT * len(name) + (utf16_bytes(value) + 4 if isinstance(value, str) else 8)
        for name, value in entity.items()
    )


def utf16_bytes(text: str) -> int:
    """Return the bytes of a text in UTF-16."""
    return _UNIT * len(text) if text.isascii() else len(text.encode("utf-16-le"))
