"""Which of the messages to be written a conversation holds already, by their ids.

A message that its caller gave an id has a marker: a record under a digest of the id, which tells
segment and number. A marker that leads to no such message, since that moved or the marker was
written by a call that never ended, proves nothing: then the whole conversation is read. So it is
where an id that a store gave is written again; callers' ids are of other forms.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from chatstore.core.plans import Plan
from chatstore.core.records import Held, Record
from chatstore.records import texts
from chatstore.records.database import Database
from chatstore.records.head import Head, Segment
from chatstore.records.reading import Place, fetch, id_of, oldest

_GIVEN_BY_STORE = re.compile(r"[0-9a-f]{32}")
_EARLIEST = 1_577_836_800_000  # 2020, in milliseconds
_DAY = 86_400_000


def markers(head: Head, segment: Segment, records: Sequence[Record]) -> dict[str, str]:
    """Return the markers of records that are written as a segment."""
    return {
        texts.marker_id(head.generation, record.id): f"{segment.name}.{position - segment.shift:x}"
        for position, record in enumerate(records, segment.first)
        if record.is_named
    }


def find_held(
    database: Database, key: str, head: Head, records: Sequence[Record]
) -> Plan[list[Held] | None]:
    """Return those records whose ids the conversation holds, as it holds them.

    ``None``: a record that the head names is missing, so that the head is outdated or broken.
    """
    named = [record.id for record in records if record.is_named]
    if not named or not head.segments:
        return []
    wanted = {texts.marker_id(head.generation, name): name for name in named}
    found = yield from database.read_records(key, list(wanted))
    places = {wanted[marker]: _place(head, text) for marker, text in found.items()}
    told = {name: place for name, place in places.items() if place is not None}
    bodies = (yield from fetch(database, key, list(told.values()))) if told else []
    if None in bodies:
        return None
    held = {}
    for name, text in zip(told, bodies, strict=True):
        if id_of(text) == name:
            held[name] = Held(name, texts.load(text).body)
    doubtful = {
        name for name in named if name not in held and (name in places or _is_of_a_store(name))
    }
    if doubtful:
        others = yield from find_since(database, key, head, -1, doubtful)
        if others is None:
            return None
        held.update((item.id, item) for item in others)
    return [held[name] for name in named if name in held]


def find_since(
    database: Database, key: str, head: Head, after: int, names: set[str]
) -> Plan[list[Held] | None]:
    """Read the records behind a position, and return those with one of the ids.

    ``None``: a record that the head names is missing, so that the head is outdated or broken.
    """
    places = oldest(head, head.next, after)
    bodies = (yield from fetch(database, key, places)) if places else []
    if None in bodies:
        return None
    found = []
    for text in bodies:
        name = id_of(text)
        if name in names and name is not None:
            found.append(Held(name, texts.load(text).body))
    return found


def _place(head: Head, marker: str) -> Place | None:
    name, _, number = marker.partition(".")
    for segment in head.segments:
        if segment.name == name:
            position = int(number, 16) + segment.shift
            if segment.first <= position < segment.end:
                return segment, position
    return None


def _is_of_a_store(name: str) -> bool:
    """Whether an id looks like those that stores give: they begin with a time."""
    if not _GIVEN_BY_STORE.fullmatch(name):
        return False
    return _EARLIEST < int(name[:12], 16) < time.time() * 1000 + _DAY
