"""The writes of a backend: one value object for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatstore.core.backend.records import Record, StoredRecord


@dataclass(frozen=True, slots=True)
class Append:
    """Append records next to each other, all or none."""

    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Insert:
    """Insert a record before an index, as ``list.insert`` does."""

    index: int
    record: Record


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace all records of a conversation; there is at least one new record."""

    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a record.

    Attributes:
        index: Zero-based; negative indexes count from the end.
        check: Called with the record before it is removed; if it raises, the record stays and
            the error propagates. It may be called several times, or not at all for a record that
            the backend knows to be as it was written.

    """

    index: int
    check: Callable[[StoredRecord], object]
