"""The sizes that the services accept, and texts in pieces that fit.

- A string has at most 64 KiB in UTF-16; an entity has 1 MiB, with its keys and names in UTF-16:
  https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
- A batch has at most 100 operations and 4 MiB:
  https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
- The Table API accepts batches of 2 MB, and row keys of 255 bytes:
  https://learn.microsoft.com/azure/cosmos-db/table/faq

The smaller limit is used for both services. A batch stays below 1 MiB, because aiohttp warns about
larger bodies: sending one blocks the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_STRING_BYTES = 64 * 1024
MAX_RECORD_BYTES = 900_000  # an entity; one fits into a batch
MAX_BATCH_OPERATIONS = 100
MAX_BATCH_BYTES = 1_000_000
MAX_ROW_KEY_BYTES = 255
_UNIT = 2  # bytes
_LAST_HIGH_SURROGATE = 0xDBFF
_FIRST_HIGH_SURROGATE = 0xD800


def pieces(text: str) -> Iterator[str]:
    """Split a text into strings that each fit into a property, never within a character."""
    data = text.encode("utf-16-le")
    start = 0
    while start < len(data):
        end = min(start + MAX_STRING_BYTES, len(data))
        last = int.from_bytes(data[end - _UNIT : end], "little")
        if _FIRST_HIGH_SURROGATE <= last <= _LAST_HIGH_SURROGATE:
            end -= _UNIT
        yield data[start:end].decode("utf-16-le")
        start = end


def utf16_bytes(text: str) -> int:
    """Return the bytes of a text in UTF-16."""
    return _UNIT * len(text) if text.isascii() else len(text.encode("utf-16-le"))
