"""Reads what a head names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from chatstore.conditional import encoding
from chatstore.conditional import entries as index
from chatstore.conditional.database import Database
from chatstore.conditional.editing import child
from chatstore.conditional.entries import Entry, Place
from chatstore.conditional.head import Head, load
from chatstore.conditional.names import SEAL, node_id, record_id
from chatstore.core import CorruptMessageError, CorruptStoreError, StoreUnavailableError
from chatstore.core.backend import Page, Plan, StoredRecord

C = TypeVar("C")
Nodes = dict[int, tuple[Entry, ...]]
Pick = Callable[[Head], Plan[C, tuple[list[Place], list[Place]]]]

_REMEMBERED_KEYS = 1024
_REMEMBERED_TEXT = 4096  # characters
_ATTEMPTS = 50  # readings of a conversation that others keep changing


class OutdatedError(Exception):
    """A record that the head names is missing: the head is outdated, or else ``error`` is why."""

    def __init__(self, error: Exception) -> None:
        """Keep what is to be raised if the head is not outdated."""
        super().__init__()
        self.error = error


class FirstRecords:
    """The first records of conversations, as they were read last.

    A record never changes, so a window of a long conversation need not read its first messages
    again.
    """

    def __init__(self) -> None:
        """Begin with no conversation."""
        self._texts: dict[str, dict[str, str]] = {}

    def of(self, key: str) -> Mapping[str, str]:
        """Return texts by the records' ids."""
        return self._texts.get(key, {})

    def note(self, key: str, read: Mapping[str, str]) -> None:
        """Remember the texts of first records, if they are short."""
        small = {name: text for name, text in read.items() if len(text) <= _REMEMBERED_TEXT}
        if small:
            self._texts[key] = small
            if len(self._texts) > _REMEMBERED_KEYS:
                self._texts.pop(next(iter(self._texts.copy())), None)


def read_head(database: Database[C], key: str) -> Plan[C, tuple[Head | None, str | None]]:
    """Return the head and its version, as they are now.

    Raises:
        CorruptStoreError: The head cannot be read, or is missing though there are messages.

    """
    found = yield from database.read_head(key)
    if found is None and (yield from database.read_records(key, [SEAL])):
        found = yield from database.read_head(key)  # it may have been made meanwhile
        if found is None:
            raise CorruptStoreError(
                "a conversation has messages, but its head is missing: it was removed by hand or "
                "lost; delete_messages(key) forgets the conversation"
            )
    return (None, None) if found is None else (load(found[0]), found[1])


def fetch(
    database: Database[C], key: str, stream: str, places: Sequence[Place]
) -> Plan[C, dict[Place, str]]:
    """Return the texts of messages, whole.

    Raises:
        OutdatedError: One of them is missing.

    """
    found = yield from fetch_existing(database, key, stream, [place.number for place in places])
    for place in places:
        if place.number not in found:
            raise OutdatedError(missing(key, place.position))
    return {place: found[place.number] for place in places}


def fetch_existing(
    database: Database[C], key: str, stream: str, numbers: Sequence[int]
) -> Plan[C, dict[int, str]]:
    """Return the texts of those messages of which all parts exist, whole, by number."""
    ids = {number: record_id(stream, number) for number in numbers}
    found = (yield from database.read_records(key, list(ids.values()))) if ids else {}
    further: dict[int, list[str]] = {}
    for number, name in ids.items():
        count = encoding.load(found[name]).parts if name in found else 1
        if count > 1:
            further[number] = [record_id(stream, number, part) for part in range(1, count)]
    if further:
        requested = [part for parts in further.values() for part in parts]
        found |= yield from database.read_records(key, requested)
    whole = {}
    for number, name in ids.items():
        pieces = [found.get(part) for part in (name, *further.get(number, ()))]
        known = [piece for piece in pieces if piece is not None]
        if len(known) == len(pieces):
            whole[number] = "".join(known)
    return whole


def missing(key: str, position: int) -> Exception:
    """Return the error of a message of which a record is missing."""
    return CorruptMessageError("a stored message is missing", key=key, position=position)


def read_page(
    database: Database[C], key: str, clock: Callable[[], float], pick: Pick[C], first: FirstRecords
) -> Plan[C, Page]:
    """Read messages and first messages, as `pick` chooses them, at one moment."""
    seen: str | None = None
    for _ in range(_ATTEMPTS):
        head, version = yield from read_head(database, key)
        if head is None or not head.entries or head.is_expired(clock()):
            return Page(None, [])
        try:
            chosen, leading = yield from pick(head)
            known = first.of(key)
            places = dict.fromkeys([*chosen, *leading])
            unknown = [p for p in places if record_id(head.stream, p.number) not in known]
            bodies = yield from fetch(database, key, head.stream, unknown)
        except OutdatedError as outdated:
            # What is missing was removed meanwhile; under the same head, it is lost.
            if version == seen:
                raise outdated.error from None
            seen = version
            continue
        for place in places:
            if place not in bodies:
                bodies[place] = known[record_id(head.stream, place.number)]
        first.note(key, {record_id(head.stream, p.number): bodies[p] for p in leading})
        stored = {p: StoredRecord(p.position, encoding.load(bodies[p]).body) for p in places}
        return Page(head.epoch, [stored[p] for p in chosen], [stored[p] for p in leading])
    raise StoreUnavailableError("the conversation was changed again and again while it was read")


def newest(
    database: Database[C], key: str, head: Head, limit: int | None, before: int | None
) -> Plan[C, list[Place]]:
    """Return the places of the newest messages before a position, oldest first."""
    stop = head.next if before is None else before

    def needed(located: list[_Located]) -> list[_Located]:
        result: list[_Located] = []
        count = 0
        for first, entry in reversed(located):
            if limit is not None and count >= limit:
                break
            if first < stop:
                result.append((first, entry))
                end = min(first + entry.span, stop)
                # How many messages of a node stand before a position is not known.
                is_whole = end == first + entry.span
                count += entry.size if is_whole else 0 if entry.level else end - first
        return result[::-1]

    runs = yield from _expanded(database, key, head, needed)
    places = (
        Place(position, entry.number + position - first)
        for first, entry in reversed(runs)
        for position in range(min(first + entry.size, stop) - 1, first - 1, -1)
    )
    return list(islice(places, limit))[::-1]


def oldest(
    database: Database[C], key: str, head: Head, limit: int | None, after: int | None
) -> Plan[C, list[Place]]:
    """Return the places of the oldest messages after a position."""
    start = 0 if after is None else after + 1

    def needed(located: list[_Located]) -> list[_Located]:
        result: list[_Located] = []
        count = 0
        for first, entry in located:
            if limit is not None and count >= limit:
                break
            end = first + entry.span
            if end > start:
                result.append((first, entry))
                is_whole = first >= start
                count += entry.size if is_whole else 0 if entry.level else end - start
        return result

    runs = yield from _expanded(database, key, head, needed)
    places = (
        Place(position, entry.number + position - first)
        for first, entry in runs
        for position in range(max(first, start), first + entry.size)
    )
    return list(islice(places, limit))


def path_to(
    database: Database[C], key: str, head: Head, number: int
) -> Plan[C, tuple[Place, Nodes]]:
    """Return the place of a message, counted from 0, and the nodes that lead to it."""
    nodes: Nodes = {}
    entries: Sequence[Entry] = head.entries
    position = 0
    while True:
        at, number = child(entries, number)
        entry = entries[at]
        position += index.length(entries[:at]) + entry.skip
        if not entry.level:
            return Place(position + number, entry.number + number), nodes
        nodes |= yield from read_nodes(database, key, head.stream, [entry])
        entries = nodes[entry.number]


def read_nodes(
    database: Database[C], key: str, stream: str, entries: Sequence[Entry]
) -> Plan[C, Nodes]:
    """Return what nodes hold.

    Raises:
        OutdatedError: One of them is missing.
        CorruptStoreError: One of them cannot be read.

    """
    ids = {entry: node_id(stream, entry.number) for entry in entries}
    found = (yield from database.read_records(key, list(ids.values()))) if ids else {}
    nodes: Nodes = {}
    for entry, name in ids.items():
        if name not in found:
            message = "a part of the conversation's index is missing"
            raise OutdatedError(CorruptStoreError(message))
        nodes[entry.number] = inner = load_node(found[name])
        agrees = (
            sum(other.size for other in inner) == entry.size
            and index.length(inner) <= entry.span
            and all(other.level < entry.level for other in inner)
        )
        if not agrees:
            raise CorruptStoreError(
                "a part of the conversation's index does not agree with the rest"
            )
    return nodes


def load_node(text: str) -> tuple[Entry, ...]:
    """Return what a node holds, or raise `CorruptStoreError`."""
    try:
        return index.load(json.loads(text))
    except (ValueError, RecursionError):
        raise CorruptStoreError("a part of the conversation's index cannot be read") from None


def dump_node(entries: Sequence[Entry]) -> str:
    """Return the text of a node."""
    return json.dumps(index.dump(entries), separators=(",", ":"))


_Located = tuple[int, Entry]  # with the first position


def _expanded(
    database: Database[C], key: str, head: Head, needed: Callable[[list[_Located]], list[_Located]]
) -> Plan[C, list[_Located]]:
    """Return those runs that are needed; all nodes of a level are read at once."""
    located = needed(_located(0, head.entries))
    while any(entry.level for _, entry in located):
        nodes = yield from read_nodes(
            database, key, head.stream, [entry for _, entry in located if entry.level]
        )
        further: list[Any] = []
        for first, entry in located:
            further += _located(first, nodes[entry.number]) if entry.level else [(first, entry)]
        located = needed(further)
    return located


def _located(start: int, entries: Sequence[Entry]) -> list[_Located]:
    result = []
    for entry in entries:
        result.append((start + entry.skip, entry))
        start += entry.skip + entry.span
    return result
