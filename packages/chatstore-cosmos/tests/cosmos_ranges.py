"""Ranges of partitions, each of which the service keeps in a physical partition of its own.

The documentation does not tell which partition key belongs to which range, so the SDK's own
function for it is used.
"""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from azure.cosmos import PartitionKey

_HASHES = 0x40  # values of the first byte of a hash
_KEY = PartitionKey("/key", version=2)


class Range(NamedTuple):
    """A range of hashes of partition keys, as hexadecimal text."""

    id: str
    first: str
    end: str

    def contains(self, key: str) -> bool:
        """Return whether a partition key, as JSON, belongs to the range."""
        return self.first <= _hash_of(key) < self.end

    def properties(self, rid: str) -> dict[str, Any]:
        """Return the range as the service describes it."""
        ends = {"minInclusive": self.first, "maxExclusive": self.end}
        return {"id": self.id, **ends, "parents": [], "_rid": rid}


@lru_cache(maxsize=100_000)
def _hash_of(key: str) -> str:
    # azure-cosmos does not export it.
    return str(_KEY._get_effective_partition_key_string(json.loads(key)))


def make_ranges(count: int) -> list[Range]:
    """Return ranges of equal size that contain all partitions."""
    bounds = ["", *(f"{_HASHES * n // count:02X}" for n in range(1, count)), "FF"]
    return [Range(str(number), first, end) for number, (first, end) in enumerate(pairwise(bounds))]
