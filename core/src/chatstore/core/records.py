"""What passes between ``ChatStore`` and a backend: encoded messages and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Record(NamedTuple):
    """A message to be written: its id (the caller's, or not), and its body as JSON text."""

    id: str
    body: str
    is_named: bool = True


class StoredRecord(NamedTuple):
    """A message that was read. Its position is the store's; positions only grow."""

    position: int
    body: str


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
