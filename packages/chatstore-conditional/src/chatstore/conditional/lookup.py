"""Finds messages in the index of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from chatstore.conditional import entries as index
from chatstore.conditional.database import Database
from chatstore.conditional.entries import Entry, Location, load_node
from chatstore.conditional.head import Head
from chatstore.conditional.names import node_id
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Plan

C = TypeVar("C")
Nodes = dict[int, tuple[Entry, ...]]


class View(NamedTuple):
    """What a change is decided for, or a page is read for.

    Attributes:
        head: The head as a writer or reader must see it.
        is_confirmed: A record was missing for this version of the head before, so it is lost.

    """

    head: Head
    is_confirmed: bool = False


class Found(NamedTuple):
    """A message in the index.

    Attributes:
        location: Its position, and the number of its record.
        place: Its place in the conversation, from 0.
        nodes: The nodes that lead to it, by number.

    """

    location: Location
    place: int
    nodes: Nodes


class OutdatedError(Exception):
    """A record that the head refers to is missing.

    Either the head is outdated, because another writer removed the record meanwhile, or the
    record is lost.

    Attributes:
        error: What to raise if the record is lost.

    """

    def __init__(self, error: Exception) -> None:
        """Remember the error of a lost record."""
        super().__init__()
        self.error = error


class _Placed(NamedTuple):
    """An entry, with the position and the index of its first message."""

    position: int
    place: int
    entry: Entry


_Needed = Callable[[list[_Placed]], list[_Placed]]


def newest(
    database: Database[C], key: str, head: Head, limit: int | None, before: int | None
) -> Plan[C, list[Location]]:
    """Locate the newest messages before a position, oldest first."""
    stop = head.next_position if before is None else before

    def needed(entries: list[_Placed]) -> list[_Placed]:
        result: list[_Placed] = []
        count = 0
        for placed in reversed(entries):
            if limit is not None and count >= limit:
                break
            first, entry = placed.position, placed.entry
            if first < stop:
                result.append(placed)
                end = min(first + entry.span, stop)
                # How many messages of a node are before a position is not known.
                is_whole = end == first + entry.span
                count += entry.size if is_whole else 0 if entry.level else end - first
        return result[::-1]

    runs, _ = yield from _expanded(database, key, head, needed)
    locations = (
        Location(position, entry.number + position - first)
        for first, _, entry in reversed(runs)
        for position in range(min(first + entry.size, stop) - 1, first - 1, -1)
    )
    return list(islice(locations, limit))[::-1]


def oldest(
    database: Database[C], key: str, head: Head, limit: int | None, after: int | None
) -> Plan[C, list[Location]]:
    """Locate the oldest messages after a position."""
    start = 0 if after is None else after + 1

    def needed(entries: list[_Placed]) -> list[_Placed]:
        result: list[_Placed] = []
        count = 0
        for placed in entries:
            if limit is not None and count >= limit:
                break
            first, entry = placed.position, placed.entry
            end = first + entry.span
            if end > start:
                result.append(placed)
                is_whole = first >= start
                count += entry.size if is_whole else 0 if entry.level else end - start
        return result

    runs, _ = yield from _expanded(database, key, head, needed)
    locations = (
        Location(position, entry.number + position - first)
        for first, _, entry in runs
        for position in range(max(first, start), first + entry.size)
    )
    return list(islice(locations, limit))


def at_indexes(
    database: Database[C], key: str, head: Head, indexes: Collection[int]
) -> Plan[C, dict[int, Found]]:
    """Locate the messages at some indexes; nodes of a level are read with one request."""

    def needed(entries: list[_Placed]) -> list[_Placed]:
        return [one for one in entries if any(_has_index(one, number) for number in indexes)]

    runs, nodes = yield from _expanded(database, key, head, needed)
    return {
        number: Found(
            Location(run.position + number - run.place, run.entry.number + number - run.place),
            number,
            nodes,
        )
        for run in runs
        for number in indexes
        if _has_index(run, number)
    }


def at_index(database: Database[C], key: str, head: Head, number: int) -> Plan[C, Found]:
    """Locate the message at an index."""
    return (yield from at_indexes(database, key, head, [number]))[number]


def by_numbers(
    database: Database[C], key: str, head: Head, numbers: Collection[int]
) -> Plan[C, dict[int, Found]]:
    """Locate messages by the numbers of their records, as far as the index has them."""

    def needed(entries: list[_Placed]) -> list[_Placed]:
        return [one for one in entries if any(_has_number(one.entry, n) for n in numbers)]

    runs, nodes = yield from _expanded(database, key, head, needed)
    result = {}
    for run in runs:
        for number in numbers:
            if _has_number(run.entry, number):
                offset = number - run.entry.number
                location = Location(run.position + offset, number)
                result[number] = Found(location, run.place + offset, nodes)
    return result


def _has_index(placed: _Placed, number: int) -> bool:
    return placed.place <= number < placed.place + placed.entry.size


def _has_number(entry: Entry, number: int) -> bool:
    first, end = entry.numbers
    return first <= number < end


def _read_nodes(
    database: Database[C], key: str, stream: str, entries: Sequence[Entry]
) -> Plan[C, Nodes]:
    """Read nodes.

    Raises:
        OutdatedError: One of them is missing.
        CorruptStoreError: One of them cannot be read.

    """
    ids = {entry: node_id(stream, entry.number) for entry in entries}
    stored = (yield from database.read_records(key, list(ids.values()))) if ids else {}
    nodes: Nodes = {}
    for entry, name in ids.items():
        if name not in stored:
            raise OutdatedError(CorruptStoreError("a part of the conversation's index is missing"))
        nodes[entry.number] = inner = load_node(stored[name])
        is_consistent = (
            sum(other.size for other in inner) == entry.size
            and index.length(inner) <= entry.span
            and all(other.level < entry.level for other in inner)
        )
        if not is_consistent:
            raise CorruptStoreError(
                "a part of the conversation's index does not agree with the rest"
            )
    return nodes


def _expanded(
    database: Database[C], key: str, head: Head, needed: _Needed
) -> Plan[C, tuple[list[_Placed], Nodes]]:
    """Return the needed runs, and the nodes that were read: those of a level with one request."""
    entries = needed(_placed(0, 0, head.entries))
    nodes: Nodes = {}
    while any(entry.level for _, _, entry in entries):
        nodes |= yield from _read_nodes(
            database, key, head.stream, [entry for _, _, entry in entries if entry.level]
        )
        further: list[_Placed] = []
        for one in entries:
            entry = one.entry
            further += (
                _placed(one.position, one.place, nodes[entry.number]) if entry.level else [one]
            )
        entries = needed(further)
    return entries, nodes


def _placed(position: int, number: int, entries: Sequence[Entry]) -> list[_Placed]:
    result = []
    for entry in entries:
        result.append(_Placed(position + entry.skip, number, entry))
        position += entry.skip + entry.span
        number += entry.size
    return result
