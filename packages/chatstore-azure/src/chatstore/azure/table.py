"""``Table``: the client of this package's plans, a ``TableClient`` of azure-data-tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from chatstore.core.backend import MaybeAwaitable

Entity: TypeAlias = Mapping[str, Any]
Operation: TypeAlias = tuple[Any, ...]
"""An operation of a transaction, as azure-data-tables takes it."""


class StoredEntity(Protocol):
    """An entity that was read, with its metadata."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The entity's metadata, such as its etag."""
        ...

    def __getitem__(self, name: str, /) -> Any:
        """Return a property."""
        ...

    def __contains__(self, name: object, /) -> bool:
        """Return whether there is such a property."""
        ...


class Table(Protocol):
    """The methods of a ``TableClient``, sync or async, that plans use.

    ``retry_total=0`` switches off the retries of clients that the caller passed.
    """

    def create_table(self, *, retry_total: int) -> MaybeAwaitable[Any]:
        """Create the table."""
        ...

    def get_entity(
        self, partition_key: str, row_key: str, *, retry_total: int
    ) -> MaybeAwaitable[StoredEntity]:
        """Read an entity."""
        ...

    def submit_transaction(
        self, operations: Sequence[Operation], *, retry_total: int
    ) -> MaybeAwaitable[list[Mapping[str, Any]]]:
        """Carry out all operations or none; return the metadata of each entity."""
        ...

    def query_entities(
        self,
        query_filter: str,
        *,
        results_per_page: int,
        select: list[str] | None,
        retry_total: int,
    ) -> Any:
        """Return the SDK's iterator over entities."""
        ...
