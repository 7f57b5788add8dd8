"""The values that `ChatStore` and a backend exchange: encoded messages, and parts of conversations.

A backend stores the body of a record as it is and never looks into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, overload

from chatstore.core.backend.conversations import StoredConversation


class Record(NamedTuple):
    """A message to write.

    Attributes:
        id: The message's id, unique within its conversation.
        body: The message as JSON text.
        has_caller_id: Whether the caller chose the id. Then the message may have been written by
            an earlier call; otherwise the id is new and random.

    """

    id: str
    body: str
    has_caller_id: bool = True


class StoredRecord(NamedTuple):
    """A message that was read.

    Attributes:
        position: Assigned by the backend. Positions grow along a conversation and are never
            assigned twice.
        body: The message as JSON text.

    """

    position: int
    body: str


class Existing(NamedTuple):
    """A message whose id the conversation has already."""

    id: str
    body: str


class StoredRecords(Sequence[StoredRecord]):
    """Many records that were read, as two columns instead of an object for each.

    Long reads are faster with it, since the garbage collector looks at fewer objects.

    Attributes:
        positions: The records' positions.
        texts: The records' bodies, each followed by ``tail`` characters of the backend's own.
        tail: The number of these characters.

    """

    def __init__(self, positions: Sequence[int], texts: Sequence[str], *, tail: int = 0) -> None:
        """Take columns of equal length."""
        self.positions = positions
        self.texts = texts
        self.tail = tail

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Any]]) -> StoredRecords:
        """Return the records of rows that begin with a position and a body."""
        return cls([row[0] for row in rows], [row[1] for row in rows])

    @property
    def body_end(self) -> int | None:
        """Where the body ends in each text, as a slice's end."""
        return -self.tail or None

    def bodies(self) -> Sequence[str]:
        """Return the records' bodies."""
        if not self.tail:
            return self.texts
        end = self.body_end
        return [text[:end] for text in self.texts]

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> StoredRecord: ...
    @overload
    def __getitem__(self, index: slice) -> StoredRecords: ...
    def __getitem__(self, index: int | slice) -> StoredRecord | StoredRecords:
        """Return a record, or for a slice several."""
        if isinstance(index, slice):
            return StoredRecords(self.positions[index], self.texts[index], tail=self.tail)
        return StoredRecord(self.positions[index], self.texts[index][: self.body_end])


class RestoredRecords(StoredRecords):
    """Records whose bodies a layer restores when they are used.

    A window decodes only some of the records that it reads.
    """

    def __init__(
        self,
        positions: Sequence[int],
        stored: Sequence[str],
        restore: Callable[[Sequence[str]], list[str]],
    ) -> None:
        """Take columns of equal length.

        Args:
            positions: The records' positions.
            stored: The records' bodies as they are stored.
            restore: Returns the original bodies of some of them.

        """
        self._texts = stored
        super().__init__(positions, stored)
        self._restore = restore
        self._is_restored = False

    @property
    def texts(self) -> Sequence[str]:
        """The original bodies."""
        if not self._is_restored:
            self._texts = self._restore(self._texts)
            self._is_restored = True
        return self._texts

    @texts.setter
    def texts(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.positions)

    def __iter__(self) -> Iterator[StoredRecord]:
        """Restore all bodies at once."""
        return map(StoredRecord, self.positions, self.texts)

    @overload
    def __getitem__(self, index: int) -> StoredRecord: ...
    @overload
    def __getitem__(self, index: slice) -> StoredRecords: ...
    def __getitem__(self, index: int | slice) -> StoredRecord | StoredRecords:
        """Return a record, or for a slice several, whose bodies are not restored yet."""
        if self._is_restored:
            return super().__getitem__(index)
        if isinstance(index, slice):
            return RestoredRecords(self.positions[index], self._texts[index], self._restore)
        return StoredRecord(self.positions[index], self._restore([self._texts[index]])[0])


class Page(NamedTuple):
    """A part of a conversation, oldest first, read at one moment.

    Attributes:
        epoch: ``None`` if the conversation does not exist. It changes whenever positions that were
            read before no longer lead on: after a replacement, an insertion or a deletion of the
            whole conversation.
        records: The requested part.
        leading: The first records of the conversation, if they were requested.
        conversation: The conversation without its messages, if it was requested and exists.

    """

    epoch: object | None
    records: Sequence[StoredRecord]
    leading: Sequence[StoredRecord] = ()
    conversation: StoredConversation | None = None


class KeyPage(NamedTuple):
    """A page of keys, and the cursor of the next page: a JSON value, ``None`` after the last."""

    keys: list[str]
    cursor: Any | None
