"""Reads of single entities, by PartitionKey and RowKey."""

from __future__ import annotations

from chatstore.azure.errors import code_of
from chatstore.azure.table import StoredEntity, Table
from chatstore.core.backend import MaybeAwaitable

_NO_ENTITY = {"ResourceNotFound", "EntityNotFound"}


def get_entity(partition: str, row: str, table: Table) -> MaybeAwaitable[StoredEntity]:
    """Read an entity."""
    return table.get_entity(partition, row, retry_total=0)


def is_missing(error: Exception) -> bool:
    """Return whether there is no such entity, rather than no table, or another server."""
    from azure.core.exceptions import ResourceNotFoundError

    return isinstance(error, ResourceNotFoundError) and code_of(error) in _NO_ENTITY
