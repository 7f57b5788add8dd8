"""Estimates of request units, so that tests can distinguish flat from growing costs.

A read of 1 KB costs 1 unit and of 100 KB 10 units, a write 5 and 50 units, with a linear function
between them (https://learn.microsoft.com/azure/cosmos-db/key-value-store-cost). A query costs 2.3
units, as often measured, and a share of the cost of reading its items.
"""

from __future__ import annotations

import math

_QUERY = 2.3
_SHARE_OF_READ = 0.1


def read_charge(size: int) -> float:
    """Return the units of a point read of an item with ``size`` bytes."""
    return 1 + (_kilobytes(size) - 1) * 9 / 99


def write_charge(size: int) -> float:
    """Return the units of a write of an item with ``size`` bytes."""
    return 5 * read_charge(size)


def query_charge(sizes: list[int]) -> float:
    """Return the units of a query that returns items of these sizes."""
    return _QUERY + sum(_SHARE_OF_READ * read_charge(size) for size in sizes)


def _kilobytes(size: int) -> int:
    return max(1, math.ceil(size / 1024))
