"""Heads and records as entities: ``Body0``, ``Body1`` and so on are the parts of their text."""

from __future__ import annotations

from typing import Any

from chatstore.azure.sizes import pieces
from chatstore.azure.table import StoredEntity

HEAD = "head"
_BODY = "Body"


def entity_keys(partition: str, row: str) -> dict[str, Any]:
    """Return the keys of an entity."""
    return {"PartitionKey": partition, "RowKey": row}


def new_entity(partition: str, row: str, body: str) -> dict[str, Any]:
    """Return an entity with a text."""
    parts = {f"{_BODY}{number}": piece for number, piece in enumerate(pieces(body))}
    return {**entity_keys(partition, row), **parts}


def body_of(entity: StoredEntity) -> str | None:
    """Return the text of an entity; ``None`` if there is no part or one is not text."""
    parts: list[Any] = []
    while f"{_BODY}{len(parts)}" in entity:
        parts.append(entity[f"{_BODY}{len(parts)}"])
    return "".join(parts) if parts and all(isinstance(part, str) for part in parts) else None


def rows_filter(partition: str, low: str, high: str) -> str:
    """Return the OData filter of a partition's rows from ``low`` to ``high``."""
    return f"PartitionKey eq '{partition}' and RowKey ge '{low}' and RowKey le '{high}'"
