"""The index of a conversation: which record holds the message at which position.

An `Entry` is a run of messages, whose records have consecutive numbers, or a node: a record that
holds further entries. The head holds the outermost ones. A conversation that was only appended to
is one run; each removal in the middle adds an entry, and full lists are moved into nodes, as in a
B-tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from chatstore.core import CorruptStoreError

HEAD_ENTRIES = 24
"""Entries that a head holds at most: with them it stays below a kilobyte."""

NODE_ENTRIES = 32
"""Entries that a node holds at most."""

FOLDED = 16
"""Entries that are moved into a new node at once."""

_LARGEST = 2**62


class Entry(NamedTuple):
    """A run of messages (``level`` 0), or a node.

    Attributes:
        skip: Positions before it that hold no message: those were removed.
        span: Positions that it covers.
        size: How many messages are in it; of a run, as many as positions.
        number: The number of the first record, or of the node.
        level: 0, or more than the level of each of the node's entries.
        least: Of a node, the smallest number of its records.
        most: Of a node, one more than the greatest.

    """

    skip: int
    span: int
    size: int
    number: int
    level: int = 0
    least: int = 0
    most: int = 0

    @property
    def numbers(self) -> tuple[int, int]:
        """Return the smallest number of its records, and one more than the greatest."""
        if self.level:
            return self.least, self.most
        return self.number, self.number + self.size


class Place(NamedTuple):
    """Where a message is: its position, and the number of its record."""

    position: int
    number: int


def run_of(number: int, count: int, skip: int = 0) -> Entry:
    """Return the entry of consecutive records."""
    return Entry(skip, count, count, number)


def length(entries: Iterable[Entry]) -> int:
    """Return the number of positions that entries cover, with those that they skip."""
    return sum(entry.skip + entry.span for entry in entries)


def joined(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries where neighbours that continue each other are one."""
    result: list[Entry] = []
    for entry in entries:
        last = result[-1] if result else None
        if (
            last is not None
            and not (entry.level or last.level or entry.skip)
            and last.number + last.size == entry.number
        ):
            total = last.size + entry.size
            result[-1] = last._replace(span=total, size=total)
        else:
            result.append(entry)
    return result


def spliced(entries: Sequence[Entry], at: int, pieces: Sequence[Entry]) -> list[Entry]:
    """Return entries with one of them replaced; positions behind it stay as they are."""
    lost = length([entries[at]]) - length(pieces)
    behind = list(entries[at + 1 :])
    if behind and lost > 0:
        behind[0] = behind[0]._replace(skip=behind[0].skip + lost)
    return joined([*entries[:at], *pieces, *behind])


def dump(entries: Iterable[Entry]) -> list[list[int]]:
    """Return entries as short lists: a run's number is left out where it is the expected one."""
    result = []
    expected = 0
    for entry in entries:
        if entry.level:
            result.append(list(entry))
            continue
        expected += entry.skip
        number = [] if entry.number == expected else [entry.number]
        result.append([entry.skip, entry.size, *number])
        expected = entry.number + entry.size
    return result


def load(value: Any) -> tuple[Entry, ...]:
    """Return the entries that `dump` gave.

    Raises:
        CorruptStoreError: The value is not such a list.

    """
    result = []
    expected = 0
    for item in checked_list(value):
        fields = [checked_number(field) for field in checked_list(item)]
        if len(fields) == len(Entry._fields):
            entry = Entry(*fields)
            is_valid = entry.level > 0 and 0 < entry.size <= entry.span
        else:
            is_valid = len(fields) in {2, 3} and fields[1] > 0
            if not is_valid:
                break
            number = fields[2] if len(fields) == 3 else expected + fields[0]
            entry = run_of(number, fields[1], fields[0])
            expected = entry.number + entry.size
        result.append(entry)
        if not is_valid:
            break
    else:
        return tuple(result)
    raise CorruptStoreError("an entry of the conversation's index cannot be read")


def checked_list(value: Any) -> list[Any]:
    """Return a list as it is, or raise `CorruptStoreError`."""
    if isinstance(value, list):
        return value
    raise CorruptStoreError(
        f"the conversation's index has {type(value).__name__} where a list is expected"
    )


def checked_number(value: Any) -> int:
    """Return a whole number from 0 as it is, or raise `CorruptStoreError`."""
    if type(value) is int and 0 <= value < _LARGEST:
        return value
    raise CorruptStoreError(
        "the conversation's index has a value where a whole number from 0 is expected"
    )
