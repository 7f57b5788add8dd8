"""Finds messages whose ids a store gave, by the time with which these ids begin.

They have no markers, so that an append writes nothing more. They are appended nearly in the order
of their times: the head remembers the latest time, and how much earlier an id was than the
latest one before it. Inserted messages have markers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.encoding import StoredMessage
from chatstore.conditional.head import Head
from chatstore.conditional.lookup import Found, View, at_indexes
from chatstore.conditional.reading import check_complete, read_existing
from chatstore.core.backend import Plan

C = TypeVar("C")
_STORE_ID = re.compile(r"[0-9a-f]{32}")
_SAMPLES = 16  # messages that are read at once to narrow the search
_FEW = 48  # messages that are read at once when the search ends
_ATTEMPTS = 4  # to find samples without markers
_SCANNED = 100  # messages that are read at once if their times do not narrow the search

SEARCHED = 64
"""About how many messages are read to find one by the time in its id."""


def time_of(message_id: str) -> int | None:
    """Return the time of an id of the form of `codec.new_id`, in milliseconds; else ``None``."""
    return int(message_id[:12], 16) if _STORE_ID.fullmatch(message_id) else None


def may_have(head: Head, message_id: str) -> bool:
    """Return whether a message without a marker may have an id."""
    time = time_of(message_id)
    return time is not None and head.latest is not None and time <= head.latest


def with_times(head: Head, times: Iterable[int]) -> Head:
    """Return a head that remembers the times in the ids of appended messages."""
    latest, skew = head.latest, head.skew
    for time in times:
        if latest is None or time > latest:
            latest = time
        else:
            skew = max(skew, latest - time)
    return head._replace(latest=latest, skew=skew)


def by_time(database: Database[C], key: str, view: View, message_id: str) -> Plan[C, Found | None]:
    """Locate the message without a marker that has an id; ``None``: there is none.

    Raises:
        OutdatedError: A message is missing.

    """
    time, head = time_of(message_id), view.head
    if time is None or not may_have(head, message_id):
        return None
    low, end = 0, head.length
    attempt = 0
    while end - low > _FEW and attempt < _ATTEMPTS:
        size = end - low
        step = size // _SAMPLES
        # Messages with and without markers often alternate.
        samples = range(low + (step // 2 + attempt) % step, end, step)
        stored = yield from _read(database, key, view, samples)
        for located, message in stored:
            own = None if message.is_marked else message.id
            if own == message_id:
                return located
            sampled = None if own is None else time_of(own)
            if sampled is not None and sampled - head.skew > time:
                end = min(end, located.place)
            elif sampled is not None and sampled + head.skew < time:
                low = max(low, located.place + 1)
        attempt = attempt + 1 if end - low > size // 2 else 0
    for start in range(low, end, _SCANNED):
        batch = range(start, min(end, start + _SCANNED))
        for located, message in (yield from _read(database, key, view, batch)):
            if not message.is_marked and message.id == message_id:
                return located
    return None


def _read(
    database: Database[C], key: str, view: View, indexes: Sequence[int]
) -> Plan[C, list[tuple[Found, StoredMessage]]]:
    """Read the messages at some indexes; lost ones are left out."""
    located = yield from at_indexes(database, key, view.head, indexes)
    locations = [located.location for located in located.values()]
    numbers = [location.number for location in locations]
    messages = yield from read_existing(database, key, view.head.stream, numbers)
    if not view.is_confirmed:
        check_complete(key, locations, messages)
    return [
        (located, messages[located.location.number])
        for located in located.values()
        if located.location.number in messages
    ]
