"""The index of a conversation: which record holds the message at which position.

An `Entry` is a run of messages, whose records have consecutive numbers, or a node: a record that
holds further entries. The head holds the outermost entries. A conversation that was only appended
to is one run. Each removal in the middle adds an entry, and long lists of entries are moved into
nodes, as in a B-tree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from chatstore.core import CorruptStoreError

HEAD_ENTRIES = 24
"""The most entries of a head: with them it stays below a kilobyte."""

NODE_ENTRIES = 32
"""The most entries of a node."""

FOLDED_ENTRIES = 16
"""How many entries are moved into a new node at once."""

_MAX_NUMBER = 2**62


class Entry(NamedTuple):
    """A run of messages (``level`` 0), or a node.

    Attributes:
        skip: The positions before it that have no message any more.
        span: The positions that it covers.
        size: The number of its messages; of a run, equal to ``span``.
        number: The number of its first record, or of the node.
        level: 0 for a run; a node's level is above that of each of its entries.
        least: Of a node, the smallest number of its records.
        most: Of a node, the greatest number of its records, plus one.

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
        """The smallest number of its records, and the greatest plus one."""
        if self.level:
            return self.least, self.most
        return self.number, self.number + self.size


class Location(NamedTuple):
    """A message's position, and the number of its record."""

    position: int
    number: int


def run_of(number: int, count: int, skip: int = 0) -> Entry:
    """Return the entry of consecutive records."""
    return Entry(skip, count, count, number)


def length(entries: Iterable[Entry]) -> int:
    """Return how many positions entries cover, including those that they skip."""
    return sum([entry.skip + entry.span for entry in entries])


def joined(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries with neighbors joined if one continues the other."""
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
    """Return entries with one of them replaced; positions behind it do not change."""
    lost = length([entries[at]]) - length(pieces)
    behind = list(entries[at + 1 :])
    if behind and lost > 0:
        behind[0] = behind[0]._replace(skip=behind[0].skip + lost)
    return joined([*entries[:at], *pieces, *behind])


def child(entries: Sequence[Entry], index: int) -> tuple[int, int]:
    """Return which entry holds the message at an index, and the message's index within it."""
    for at, entry in enumerate(entries):
        if index < entry.size:
            return at, index
        index -= entry.size
    raise IndexError(index)


def dump(entries: Iterable[Entry]) -> list[list[int]]:
    """Return entries as short lists: a run's number is left out if it is the expected one."""
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
    """Return the entries that `dump` was given.

    Raises:
        CorruptStoreError: The value is not a list that `dump` returned.

    """
    result = []
    expected = 0
    for item in checked_list(value):
        fields = checked_numbers(checked_list(item))
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


def dump_node(entries: Iterable[Entry]) -> str:
    """Return the text of a node."""
    return json.dumps(dump(entries), separators=(",", ":"))


def load_node(text: str) -> tuple[Entry, ...]:
    """Return the entries of a node.

    Raises:
        CorruptStoreError: The text is not one that `dump_node` returned.

    """
    try:
        return load(json.loads(text))
    except (ValueError, RecursionError):
        raise CorruptStoreError("a part of the conversation's index cannot be read") from None


def checked_list(value: Any) -> list[Any]:
    """Return a list as it is; anything else raises `CorruptStoreError`."""
    if isinstance(value, list):
        return value
    raise CorruptStoreError(
        f"the conversation's index has {type(value).__name__} where a list is expected"
    )


def checked_numbers(values: Sequence[Any]) -> Sequence[int]:
    """Return whole numbers from 0 as they are; anything else raises `CorruptStoreError`."""
    for value in values:
        if type(value) is not int or not 0 <= value < _MAX_NUMBER:
            raise CorruptStoreError(
                "the conversation's index has a value where a whole number from 0 is expected"
            )
    return values
