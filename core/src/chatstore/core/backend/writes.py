"""The writes of a backend: one value object for each kind.

Wherever ``expected_revision`` is set, the write takes effect only if the conversation has this
revision; otherwise the backend raises `RevisionConflictError` (`check_revision`) and writes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatstore.core.backend.conversations import ConversationRecord
from chatstore.core.backend.records import Record, StoredRecord


@dataclass(frozen=True, slots=True)
class Append:
    """Append records next to each other, all or none. Existing ids come before the revision."""

    records: Sequence[Record]
    expected_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """Insert a record before an index, as ``list.insert`` does."""

    index: int
    record: Record
    expected_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Replace the record with the same id, at its position, or append it.

    Attributes:
        record: The record.
        moves_to_end: Move it behind all other records, to the next position.
        expected_revision: See the module.

    """

    record: Record
    moves_to_end: bool = False
    expected_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace all records of a conversation; its conversation record stays.

    Without new records, a conversation goes whose record does not outlast its messages.
    """

    records: Sequence[Record]
    expected_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a record.

    Attributes:
        target: A zero-based index, where negative ones count from the end; or a record's id.
        check: Called with the record before it is removed; if it raises, the record stays and
            the error propagates. It may be called several times, or not at all for a record that
            the backend knows to be as it was written.
        expected_revision: See the module.

    """

    target: int | str
    check: Callable[[StoredRecord], object]
    expected_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Truncate:
    """Remove the record with an id, and all records behind it."""

    from_id: str
    expected_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a conversation with its record."""

    expected_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Begin a conversation with a conversation record and, for a fork, its records."""

    record: ConversationRecord
    records: Sequence[Record] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Change the conversation record from ``before`` to ``after``."""

    before: ConversationRecord
    after: ConversationRecord
    expected_revision: str | None = None
