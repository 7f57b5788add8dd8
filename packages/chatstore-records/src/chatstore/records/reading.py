"""Reads what a head names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from chatstore.core import StoreUnavailableError
from chatstore.core.plans import Plan
from chatstore.core.records import Page, StoredRecord
from chatstore.records import texts
from chatstore.records.database import Database
from chatstore.records.head import Head, Segment, load

Place = tuple[Segment, int]
_REMEMBERED_KEYS = 1024
_REMEMBERED_TEXT = 4096  # characters
_ATTEMPTS = 50  # readings of a conversation that others keep changing


class FirstRecords:
    """The first records of conversations, as they were read last.

    A record never changes: while a head names it, its text is that. So a window of a long
    conversation need not read what stands at the other end.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._texts: dict[str, dict[str, str]] = {}

    def of(self, key: str) -> Mapping[str, str]:
        """Return texts by the records' ids."""
        return self._texts.get(key, {})

    def note(self, key: str, read: Mapping[Place, str | None]) -> None:
        """Remember the texts of first records, if they are short."""
        small = {
            texts.record_id(*place): text
            for place, text in read.items()
            if text is not None and len(text) <= _REMEMBERED_TEXT
        }
        if small:
            self._texts[key] = small
            if len(self._texts) > _REMEMBERED_KEYS:
                self._texts.pop(next(iter(self._texts.copy())), None)


def read_head(database: Database, key: str) -> Plan[tuple[Head | None, str | None]]:
    """Return the head and its version, as they are now."""
    found = yield from database.read_head(key)
    return (None, None) if found is None else (load(found[0]), found[1])


def fetch(database: Database, key: str, places: Sequence[Place]) -> Plan[list[str | None]]:
    """Return the texts of records, whole; ``None`` for those that are missing."""
    ids = [texts.record_id(*place) for place in places]
    found = yield from database.read_records(key, ids)
    further = {}
    for place, name in zip(places, ids, strict=True):
        count = texts.load(found.get(name)).parts
        if count > 1:
            further[name] = [texts.record_id(*place, part) for part in range(1, count)]
    if further:
        wanted = [part for parts in further.values() for part in parts]
        found |= yield from database.read_records(key, wanted)
    whole: list[str | None] = []
    for name in ids:
        pieces = [found.get(part) for part in (name, *further.get(name, ()))]
        known = [piece for piece in pieces if piece is not None]
        whole.append("".join(known) if len(known) == len(pieces) else None)
    return whole


def read_page(
    database: Database,
    key: str,
    clock: Callable[[], float],
    pick: Callable[[Head], tuple[list[Place], list[Place]]],
    first: FirstRecords,
) -> Plan[Page]:
    """Read records and first records, as `pick` chooses them, at one moment."""
    seen: str | None = None
    for _ in range(_ATTEMPTS):
        head, version = yield from read_head(database, key)
        if head is None or not head.segments or head.is_expired(clock()):
            return Page(None, [])
        chosen, leading = pick(head)
        places = list(dict.fromkeys([*chosen, *leading]))
        bodies = yield from _fetch_unknown(database, key, places, first.of(key))
        # What is missing was replaced meanwhile; under the same head, it is lost.
        if None not in bodies or version == seen:
            records = {
                place: StoredRecord(place[1], texts.load(body).body)
                for place, body in zip(places, bodies, strict=True)
            }
            first.note(
                key, {p: text for p, text in zip(places, bodies, strict=True) if p in leading}
            )
            return Page(
                head.epoch, [records[place] for place in chosen], [records[p] for p in leading]
            )
        seen = version
    message = "the conversation was changed again and again while it was read"
    raise StoreUnavailableError(message)


def _fetch_unknown(
    database: Database, key: str, places: Sequence[Place], known: Mapping[str, str]
) -> Plan[list[str | None]]:
    """Return the texts of records, of which some are known."""
    unknown = [place for place in places if texts.record_id(*place) not in known]
    fetched = (yield from fetch(database, key, unknown)) if unknown else []
    found = dict(zip(unknown, fetched, strict=True))
    return [found[p] if p in found else known[texts.record_id(*p)] for p in places]


def newest(head: Head, limit: int | None, before: int | None) -> list[Place]:
    """Return the places of the newest records before a position, oldest first."""
    found = (
        (segment, position)
        for segment in reversed(head.segments)
        for position in range(
            (segment.end if before is None else min(segment.end, before)) - 1,
            segment.first - 1,
            -1,
        )
    )
    return list(islice(found, limit))[::-1]


def oldest(head: Head, limit: int, after: int | None) -> list[Place]:
    """Return the places of the oldest records after a position."""
    start = -1 if after is None else after
    found = (
        (segment, position)
        for segment in head.segments
        for position in range(max(segment.first, start + 1), segment.end)
    )
    return list(islice(found, limit))


def place_at(head: Head, index: int) -> Place:
    """Return the place of an index that exists, from 0."""
    for segment in head.segments:
        if index < segment.size:
            return segment, segment.first + index
        index -= segment.size
    raise IndexError(index)


def id_of(text: str | None) -> str | None:
    """Return the message's id of a record's text; ``None`` where it cannot be read."""
    try:
        found = json.loads(texts.load(text).body)["id"]
    except (ValueError, TypeError, KeyError):
        return None
    return found if isinstance(found, str) else None
