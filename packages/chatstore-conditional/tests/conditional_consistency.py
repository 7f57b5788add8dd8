"""What the head of a conversation and its records must be to each other, at every moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from chatstore.conditional import texts
from chatstore.conditional.entries import Entry, Place
from chatstore.conditional.head import Head
from chatstore.conditional.names import SEAL, marker_id, node_id, record_id
from chatstore.conditional.reading import load_node

Records = Mapping[str, str]


class InconsistentError(AssertionError):
    """A head and its records do not agree."""


def number_of(name: str) -> tuple[str, int]:
    """Return the stream and the number of a message's record, or of a part of it."""
    stream, number, *_ = name.split(".")
    return stream, int(number, 16)


def places(head: Head, records: Records) -> tuple[list[Place], set[str]]:
    """Return where all messages are, and the ids of the nodes that lead there."""
    found: list[Place] = []
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
                found.extend(Place(start + n, entry.number + n) for n in range(entry.size))
            start += entry.span

    walk(head.entries, 0)
    return found, nodes


def needed(head: Head, records: Records) -> set[str]:
    """Return the ids of the records that a conversation needs.

    Raises:
        InconsistentError: One of them is missing, or two messages have one position or record.

    """
    found, names = places(head, records)
    for one, other in pairwise(found):
        if one.position >= other.position:
            raise InconsistentError(f"positions are out of order: {found}")
    if len({place.number for place in found}) < len(found):
        raise InconsistentError(f"two messages have one record: {found}")
    for place in found:
        names.add(record_id(head.stream, place.number))
        text = records.get(record_id(head.stream, place.number), "")
        stored = texts.load(text)
        further = [record_id(head.stream, place.number, n) for n in range(1, stored.parts)]
        names.update(further)
        is_unmarked = any(first <= place.number < end for first, end in head.unmarked)
        if stored.is_marked and not is_unmarked:
            whole = text + "".join(records.get(name, "") for name in further)
            name = marker_id(head.generation, texts.id_of(whole) or "")
            names.add(name)
            if name in records and int(records[name], 16) != place.number:
                raise InconsistentError(
                    f"the marker of record {place.number} leads to {records[name]}"
                )
    if head.entries:
        names.add(SEAL)
    missing = names - records.keys()
    if missing:
        raise InconsistentError(f"{head} needs {missing}, which are missing")
    return names


def check_step(
    before: Head | None, old: Records, head: Head, records: Records, belated: set[str]
) -> None:
    """Check a commit.

    Raises:
        InconsistentError: What the new head needs is missing, a marker leads nowhere, or a message
            has moved though the epoch is the same.

    """
    names = needed(head, records)
    stray = {n for n in records if n.startswith(f"{head.generation}-")} - names - belated
    if stray:
        raise InconsistentError(f"markers lead nowhere: {stray}")
    if before is not None and before.epoch == head.epoch:
        positions = {place.number: place.position for place in places(before, old)[0]}
        for place in places(head, records)[0]:
            if positions.get(place.number, place.position) != place.position:
                raise InconsistentError(
                    f"record {place.number} moved from {positions[place.number]} to {place}"
                )
