"""Finds messages in the index of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from chatstore.conditional import entries as index
from chatstore.conditional.database import Database
from chatstore.conditional.entries import Entry, Location, child, load_node
from chatstore.conditional.head import Head
from chatstore.conditional.names import node_id
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Plan

C = TypeVar("C")
Nodes = dict[int, tuple[Entry, ...]]
_Positioned = tuple[int, Entry]
"""An entry, and the first position that it covers."""


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


def newest(
    database: Database[C], key: str, head: Head, limit: int | None, before: int | None
) -> Plan[C, list[Location]]:
    """Locate the newest messages before a position, oldest first."""
    stop = head.next_position if before is None else before

    def needed(entries: list[_Positioned]) -> list[_Positioned]:
        result: list[_Positioned] = []
        count = 0
        for first, entry in reversed(entries):
            if limit is not None and count >= limit:
                break
            if first < stop:
                result.append((first, entry))
                end = min(first + entry.span, stop)
                # How many messages of a node are before a position is not known.
                is_whole = end == first + entry.span
                count += entry.size if is_whole else 0 if entry.level else end - first
        return result[::-1]

    runs = yield from _expanded(database, key, head, needed)
    locations = (
        Location(position, entry.number + position - first)
        for first, entry in reversed(runs)
        for position in range(min(first + entry.size, stop) - 1, first - 1, -1)
    )
    return list(islice(locations, limit))[::-1]


def oldest(
    database: Database[C], key: str, head: Head, limit: int | None, after: int | None
) -> Plan[C, list[Location]]:
    """Locate the oldest messages after a position."""
    start = 0 if after is None else after + 1

    def needed(entries: list[_Positioned]) -> list[_Positioned]:
        result: list[_Positioned] = []
        count = 0
        for first, entry in entries:
            if limit is not None and count >= limit:
                break
            end = first + entry.span
            if end > start:
                result.append((first, entry))
                is_whole = first >= start
                count += entry.size if is_whole else 0 if entry.level else end - start
        return result

    runs = yield from _expanded(database, key, head, needed)
    locations = (
        Location(position, entry.number + position - first)
        for first, entry in runs
        for position in range(max(first, start), first + entry.size)
    )
    return list(islice(locations, limit))


def at_index(
    database: Database[C], key: str, head: Head, number: int
) -> Plan[C, tuple[Location, Nodes]]:
    """Locate the message at an index; also return the nodes that lead to it."""
    nodes: Nodes = {}
    entries: Sequence[Entry] = head.entries
    position = 0
    while True:
        at, number = child(entries, number)
        entry = entries[at]
        position += index.length(entries[:at]) + entry.skip
        if not entry.level:
            return Location(position + number, entry.number + number), nodes
        nodes |= yield from _read_nodes(database, key, head.stream, [entry])
        entries = nodes[entry.number]


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
    database: Database[C],
    key: str,
    head: Head,
    needed: Callable[[list[_Positioned]], list[_Positioned]],
) -> Plan[C, list[_Positioned]]:
    """Return the needed runs; the nodes of a level are read with one request."""
    entries = needed(_positioned(0, head.entries))
    while any(entry.level for _, entry in entries):
        nodes = yield from _read_nodes(
            database, key, head.stream, [entry for _, entry in entries if entry.level]
        )
        further: list[_Positioned] = []
        for first, entry in entries:
            further += _positioned(first, nodes[entry.number]) if entry.level else [(first, entry)]
        entries = needed(further)
    return entries


def _positioned(start: int, entries: Sequence[Entry]) -> list[_Positioned]:
    result = []
    for entry in entries:
        result.append((start + entry.skip, entry))
        start += entry.skip + entry.span
    return result
