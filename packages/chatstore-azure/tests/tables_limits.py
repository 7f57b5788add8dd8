"""What the services reject and Azurite accepts.

Table Storage: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
and .../performing-entity-group-transactions; the Table API of Cosmos DB:
https://learn.microsoft.com/azure/cosmos-db/table/faq
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

_PART = re.compile(
    rb"(POST|PUT|PATCH|MERGE|DELETE) (\S+) HTTP/1\.1\r\n.*?\r\n\r\n(\{.*?\})?\r\n", re.DOTALL
)
_ROW_KEY = re.compile(r"RowKey='(.*?)'\)")
_RESERVED = {"id", "rid", "etag", "ResourceId"}
_MIB = 1024 * 1024


def operations_of(body: bytes) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and entity of each operation of a batch."""
    return [
        (method.decode(), path.decode(), json.loads(entity or b"{}"))
        for method, path, entity in _PART.findall(body)
    ]


def rejection(method: str, path: str, body: bytes, *, table_api: bool) -> tuple[int, str] | None:
    """Return the status and code with which a service rejects a request, or ``None``."""
    is_batch = path.endswith("$batch")
    if is_batch:
        operations = operations_of(body)
        if not 0 < len(operations) <= 100:
            return 400, "InvalidInput"
        if len(body) > (2 if table_api else 4) * _MIB:
            return 413, "RequestBodyTooLarge"
    else:
        entity = json.loads(body) if body.startswith(b"{") and method != "DELETE" else {}
        operations = [(method, path, entity)]
    for _, address, entity in operations:
        rejected = _entity_rejection(address, entity, table_api=table_api)
        if rejected is not None:
            return rejected
    return None


def _entity_rejection(
    path: str, entity: dict[str, Any], *, table_api: bool
) -> tuple[int, str] | None:
    own = {n: v for n, v in entity.items() if "@odata" not in n and not n.startswith("odata.")}
    if len(own) > 255:
        return 400, "TooManyProperties"
    if sum(size_of_property(name, value, entity) for name, value in own.items()) > _MIB:
        return 400, "EntityTooLarge"
    if any(len(name) > 255 for name in own):
        return 400, "PropertyNameTooLong"
    if table_api:
        keys = [*_ROW_KEY.findall(path), entity.get("RowKey", "")]
        if any(len(key.encode()) > 255 for key in keys):
            return 400, "InvalidInput"
        if _RESERVED & own.keys():
            return 400, "PropertyNameInvalid"
    return None


def size_of_property(name: str, value: Any, entity: dict[str, Any]) -> int:
    """Return the bytes that the service counts for a property: name and strings in UTF-16."""
    size = 8 + 2 * len(name)
    if entity.get(f"{name}@odata.type") == "Edm.Binary":
        return size + 4 + len(base64.b64decode(value))
    if isinstance(value, str):
        return size + 4 + len(value.encode("utf-16-le"))
    return size + 8
