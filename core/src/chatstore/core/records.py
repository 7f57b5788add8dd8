"""What passes between ``ChatStore`` and a backend: encoded messages and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, overload


class Record(NamedTuple):
    """A message to be written: its id (the caller's, or not), and its body as JSON text."""

    id: str
    body: str
    is_named: bool = True


class StoredRecord(NamedTuple):
    """A message that was read. Its position is the store's; positions only grow."""

    position: int
    body: str


class StoredRecords(Sequence[StoredRecord]):
    """Records that were read, in two columns.

    A long read makes no object for each, which the garbage collector would look at.

    Attributes:
        positions: Of each record.
        texts: Of each record its body, and what the store put behind it.
        tail: How many characters those are.

    """

    def __init__(self, positions: Sequence[int], texts: Sequence[str], *, tail: int = 0) -> None:
        """Take columns of one length."""
        self.positions = positions
        self.texts = texts
        self.tail = tail

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> StoredRecords:
        """Return rows of a position and a body as columns."""
        return cls([row[0] for row in rows], [row[1] for row in rows])

    @property
    def stop(self) -> int | None:
        """Where each body ends, as in a slice."""
        return -self.tail or None

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> StoredRecord: ...
    @overload
    def __getitem__(self, index: slice) -> StoredRecords: ...
    def __getitem__(self, index: int | slice) -> StoredRecord | StoredRecords:
        """Return a record, or some of them."""
        if isinstance(index, slice):
            return StoredRecords(self.positions[index], self.texts[index], tail=self.tail)
        return StoredRecord(self.positions[index], self.texts[index][: self.stop])


class Held(NamedTuple):
    """A message whose id the conversation holds already."""

    id: str
    body: str


class Page(NamedTuple):
    """A part of a conversation, oldest first, read at one moment.

    Attributes:
        epoch: ``None`` where there is no such conversation. It changes whenever positions seen
            before can no longer be followed: after a set, an insert, a deletion of the whole.
        records: The part asked for.
        leading: The first messages of the conversation, where asked for.

    """

    epoch: object | None
    records: Sequence[StoredRecord]
    leading: Sequence[StoredRecord] = ()


class KeyPage(NamedTuple):
    """Some keys, and the cursor of the next page (``None``: there is none)."""

    keys: list[str]
    cursor: Any | None
