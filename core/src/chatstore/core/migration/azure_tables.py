"""Conversations in tables of Azure, each message an entity with JSON texts as properties."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chatstore.core.migration.clients import check_client

_PART = re.compile(r"(.+)_part_(\d+)")
_KEYS = {"PartitionKey", "RowKey"}


class AzureTable:
    """A partition a conversation, row keys in its order, long properties in numbered parts."""

    def __init__(self, client: Any) -> None:
        """Take a table.

        Args:
            client: A sync ``TableClient`` of azure-data-tables; it stays open.

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
        """Return the messages, oldest first."""
        wanted = "PartitionKey eq @key"
        found = self._client.query_entities(wanted, parameters={"key": key})
        for entity in sorted(found, key=lambda entity: entity["RowKey"]):
            yield _message(entity)


def _message(entity: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, dict[int, Any]] = defaultdict(dict)
    for name, value in entity.items():
        if name not in _KEYS:
            part = _PART.fullmatch(name)
            parts[part[1] if part else name][int(part[2]) if part else 0] = value
    return {name: _value([some[n] for n in sorted(some)]) for name, some in parts.items()}


def _value(parts: list[Any]) -> Any:
    if not isinstance(parts[0], str):
        return parts[0]
    text = "".join(parts)
    try:
        return json.loads(text)
    except ValueError:
        return text
