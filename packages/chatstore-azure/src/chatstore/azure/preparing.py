"""``Preparation``: creates the table before a store's first request."""

from __future__ import annotations

from typing import Any

from chatstore.azure.errors import code_of
from chatstore.azure.table import Table
from chatstore.core.backend import MaybeAwaitable, Plan, call

_TABLE_EXISTS = {"TableAlreadyExists", "EntityAlreadyExists"}


class Preparation:
    """Creates a missing table once."""

    def __init__(self, *, create: bool) -> None:
        """Take whether the first request creates a missing table."""
        self._is_ready = not create

    def ensure(self) -> Plan[Table, None]:
        """Create the table, unless that is done or the caller does it."""
        if not self._is_ready:
            yield from self.create()

    def create(self) -> Plan[Table, None]:
        """Create the table, unless it exists."""
        from azure.core.exceptions import ResourceExistsError

        try:
            yield from call(_create_table)
        except ResourceExistsError as error:
            if code_of(error) not in _TABLE_EXISTS:  # such as a table that is being deleted
                raise
        self._is_ready = True


def _create_table(table: Table) -> MaybeAwaitable[Any]:
    return table.create_table(retry_total=0)
