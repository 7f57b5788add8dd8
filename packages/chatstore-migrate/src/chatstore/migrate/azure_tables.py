"""Read conversations from Azure tables: one entity per message."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chatstore.migrate.clients import check_client

_PART = re.compile(r"(.+)_part_(\d+)")
_KEYS = {"PartitionKey", "RowKey"}


class AzureTable:
    """Reads a table with a partition per conversation, ordered by row key.

    Each property of an entity is JSON text; long texts are split into properties with numbered
    names.
    """

    def __init__(self, client: Any) -> None:
        """Use a table; nothing is read yet.

        Args:
            client: A sync ``TableClient`` of azure-data-tables; it is never closed.

        """
        self._client = check_client(
            client,
            "client",
            ("list_entities", "query_entities"),
            "a sync TableClient of azure-data-tables",
        )

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        entities = self._client.list_entities(select=["PartitionKey"])
        return {entity["PartitionKey"] for entity in entities}

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        entities = self._client.query_entities("PartitionKey eq @key", parameters={"key": key})
        for entity in sorted(entities, key=lambda entity: entity["RowKey"]):
            yield _message(entity)


def _message(entity: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, dict[int, Any]] = defaultdict(dict)
    for name, value in entity.items():
        if name not in _KEYS:
            part = _PART.fullmatch(name)
            properties[part[1] if part else name][int(part[2]) if part else 0] = value
    return {
        name: _value([parts[number] for number in sorted(parts)])
        for name, parts in properties.items()
    }


def _value(parts: list[Any]) -> Any:
    if not isinstance(parts[0], str):
        return parts[0]
    text = "".join(parts)
    try:
        return json.loads(text)
    except ValueError:
        return text
