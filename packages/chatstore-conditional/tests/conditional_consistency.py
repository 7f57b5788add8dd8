"""Checks that the head of a conversation and its records are consistent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from chatstore.conditional.encoding import load_first_part
from chatstore.conditional.entries import Entry, Location, load_node
from chatstore.conditional.head import Head
from chatstore.conditional.names import SEAL, details_id, marker_id, node_id, record_id

Records = Mapping[str, str]


class InconsistentError(AssertionError):
    """A head and its records do not agree."""


def number_of(name: str) -> tuple[str, int]:
    """Return the stream and the number of a message's record, or of a part of it."""
    stream, number, *_ = name.split(".")
    return stream, int(number, 16)


def locate(head: Head, records: Records) -> tuple[list[Location], set[str]]:
    """Locate all messages; also return the ids of the nodes that lead to them."""
    locations: list[Location] = []
    nodes: set[str] = set()

    def walk(entries: Iterable[Entry], start: int) -> None:
        for entry in entries:
            start += entry.skip
            if entry.level:
                name = node_id(head.stream, entry.number)
                inner = load_node(records[name])
                if sum(other.size for other in inner) != entry.size:
                    raise InconsistentError(f"{entry} has {inner}")
                nodes.add(name)
                walk(inner, start)
            else:
                locations.extend(Location(start + n, entry.number + n) for n in range(entry.size))
            start += entry.span

    walk(head.entries, 0)
    return locations, nodes


def needed(head: Head, records: Records) -> set[str]:
    """Return the ids of the records that a conversation needs.

    Raises:
        InconsistentError: One of them is missing, or two messages have one position or record.

    """
    locations, names = locate(head, records)
    for one, other in pairwise(locations):
        if one.position >= other.position:
            raise InconsistentError(f"positions are out of order: {locations}")
    if len({location.number for location in locations}) < len(locations):
        raise InconsistentError(f"two messages have one record: {locations}")
    for location in locations:
        names.add(record_id(head.stream, location.number))
        text = records.get(record_id(head.stream, location.number), "")
        stored = load_first_part(text)
        further = [record_id(head.stream, location.number, n) for n in range(1, stored.parts)]
        names.update(further)
        is_unmarked = any(first <= location.number < end for first, end in head.unmarked)
        if stored.is_marked and not is_unmarked:
            whole = text + "".join(records.get(name, "") for name in further)
            name = marker_id(head.generation, load_first_part(whole).id or "")
            names.add(name)
            if name in records and int(records[name], 16) != location.number:
                raise InconsistentError(
                    f"the marker of record {location.number} leads to {records[name]}"
                )
    if head.entries:
        names.add(SEAL)
    if head.details is not None:
        names.add(details_id(head.stream, head.details))
    missing = names - records.keys()
    if missing:
        raise InconsistentError(f"{head} needs {missing}, which are missing")
    return names


def check_step(
    before: Head | None, old: Records, head: Head, records: Records, belated: set[str]
) -> None:
    """Check a commit.

    Raises:
        InconsistentError: A record that the new head needs is missing, a marker leads nowhere, or
            a message has moved though the epoch is the same.

    """
    names = needed(head, records)
    stray = {n for n in records if n.startswith(f"{head.generation}-")} - names - belated
    truncated = any(item.generation == head.generation for item in head.garbage)
    # A put message whose marker is still to be written has its old one.
    if stray and not truncated and not head.unmarked:
        raise InconsistentError(f"markers lead nowhere: {stray}")
    if before is not None and before.epoch == head.epoch:
        positions = {one.number: one.position for one in locate(before, old)[0]}
        for location in locate(head, records)[0]:
            number, position = location.number, location.position
            if positions.get(number, position) != position:
                raise InconsistentError(
                    f"record {number} moved from {positions[number]} to {position}"
                )
