"""Reads of single entities, by PartitionKey and RowKey."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from chatstore.azure.errors import code_of
from chatstore.azure.table import StoredEntity, Table
from chatstore.azure_core.concurrency import concurrently
from chatstore.core.backend import MaybeAwaitable, Plan, call

_NO_ENTITY = {"ResourceNotFound", "EntityNotFound"}


def get_entity(partition: str, row: str, table: Table) -> MaybeAwaitable[StoredEntity]:
    """Read an entity."""
    return table.get_entity(partition, row, retry_total=0)


def read_existing(addresses: Sequence[tuple[str, str]]) -> Plan[Table, list[StoredEntity]]:
    """Read several entities at the same time; return those that exist."""
    results = yield from call(partial(_get_entities, addresses))
    entities: list[StoredEntity] = []
    for result in results:
        if not isinstance(result, Exception):
            entities.append(result)
        elif not is_missing(result):
            raise result
    return entities


def is_missing(error: Exception) -> bool:
    """Return whether there is no such entity, rather than no table, or another server."""
    from azure.core.exceptions import ResourceNotFoundError

    return isinstance(error, ResourceNotFoundError) and code_of(error) in _NO_ENTITY


def _get_entities(
    addresses: Sequence[tuple[str, str]], table: Table
) -> MaybeAwaitable[list[StoredEntity | Exception]]:
    return concurrently(table, addresses, lambda address: get_entity(*address, table))
