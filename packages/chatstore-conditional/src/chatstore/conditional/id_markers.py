"""Markers: which messages a conversation has, by the ids that callers gave them.

A message with an id of its caller has a marker: a record whose id is a digest of the message's id,
and whose text is the number of the message's record. Markers are only written and deleted by
commits. A marker leads to a message of the conversation, or to a truncated one until that is
deleted. Markers that do not fit into the commit of their messages follow in further commits; until
then the head lists the messages as unmarked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.head import Head
from chatstore.conditional.lookup import Found, OutdatedError, View, by_numbers, oldest
from chatstore.conditional.names import marker_id
from chatstore.conditional.reading import read_existing, read_messages
from chatstore.conditional.times import SEARCHED, by_time, may_have
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Existing, Plan

C = TypeVar("C")
_NUMBER = re.compile(r"[0-9a-f]{1,15}")


class IdCheck(Generic[C]):
    """Finds messages that a conversation already has, by their ids.

    It may be called again with later heads: it then reads only what was added since.
    """

    def __init__(self, database: Database[C], key: str, ids: Sequence[str]) -> None:
        """Look for some ids in a conversation."""
        self._database = database
        self._key = key
        self._ids = ids
        self._checked: Head | None = None

    def existing(self, view: View) -> Plan[C, list[Existing]]:
        """Return the messages with these ids; the head must not list unmarked messages."""
        checked, head = self._checked, view.head
        if not head.entries:
            existing: list[Existing] = []
        elif checked is not None and checked.epoch == head.epoch:
            existing = yield from self._added(head, checked.next_position, set(self._ids))
        else:
            existing = yield from self._all(view)
        self._checked = None if existing else head
        return existing

    def _all(self, view: View) -> Plan[C, list[Existing]]:
        database, key, head = self._database, self._key, view.head
        numbers = yield from self._marked(view)
        # Messages whose ids the store gave have no marker; a copy may bring such an id back.
        others = [one for one in self._ids if one not in numbers and may_have(head, one)]
        existing: dict[str, Existing] = {}
        if len(others) * SEARCHED >= head.length:
            added = (yield from self._added(head, 0, set(others))) if others else []
            existing = {item.id: item for item in added}
        else:
            for message_id in others:
                located = yield from by_time(database, key, view, message_id)
                if located is not None:
                    numbers[message_id] = located.location.number
        messages = yield from read_existing(database, key, head.stream, list(numbers.values()))
        for message_id, number in numbers.items():
            if number in messages:
                existing[message_id] = Existing(message_id, messages[number].body)
        if len(messages) < len(numbers):
            _check_confirmed(view)
        return [existing[message_id] for message_id in self._ids if message_id in existing]

    def _marked(self, view: View) -> Plan[C, dict[str, int]]:
        """Return the numbers to which the markers of these ids lead."""
        head = view.head
        if not head.is_marked:
            return {}
        ids = {marker_id(head.generation, message_id): message_id for message_id in self._ids}
        markers = yield from self._database.read_records(self._key, list(ids))
        numbers = {ids[marker]: load_marker(text) for marker, text in markers.items()}
        if numbers and head.garbage:
            located = yield from by_numbers(self._database, self._key, head, set(numbers.values()))
            if len(located) < len(numbers):
                _check_confirmed(view)
            numbers = {one: number for one, number in numbers.items() if number in located}
        return numbers

    def _added(self, head: Head, start: int, ids: set[str]) -> Plan[C, list[Existing]]:
        """Return the messages with these ids from a position on, by reading all messages there."""
        locations = yield from oldest(self._database, self._key, head, None, start - 1)
        messages = yield from read_messages(self._database, self._key, head.stream, locations)
        existing = []
        for message in messages.values():
            message_id = message.id
            if message_id in ids and message_id is not None:
                existing.append(Existing(message_id, message.body))
        return existing


def locate_id(
    database: Database[C], key: str, view: View, message_id: str
) -> Plan[C, Found | None]:
    """Locate the message with an id; ``None``: there is none.

    Raises:
        OutdatedError: The head seems to be outdated.

    """
    head = view.head
    if not head.entries:
        return None
    if head.is_marked:
        marker = marker_id(head.generation, message_id)
        markers = yield from database.read_records(key, [marker])
        if marker in markers:
            number = load_marker(markers[marker])
            located = (yield from by_numbers(database, key, head, [number])).get(number)
            if located is not None:
                return located
            _check_confirmed(view)
    for first, end in head.unmarked:
        messages = yield from read_existing(database, key, head.stream, range(first, end))
        for number, message in messages.items():
            if message.is_marked and message.id == message_id:
                return (yield from by_numbers(database, key, head, [number])).get(number)
    return (yield from by_time(database, key, view, message_id))


class Markers(NamedTuple):
    """Markers to be written.

    Attributes:
        head: The head without the messages that get their markers.
        records: The markers, by id.
        size: The number of these messages.

    """

    head: Head
    records: Mapping[str, str]
    size: int


def next_markers(database: Database[C], key: str, head: Head) -> Plan[C, Markers]:
    """Return the next markers of unmarked messages, as many as fit into one commit."""
    (first, end), *others = head.unmarked
    stop = min(end, first + database.limits.operations - 1)
    messages = yield from read_existing(database, key, head.stream, range(first, stop))
    records = {}
    for number, message in messages.items():
        message_id = message.id if message.is_marked else None
        if message_id is not None:
            records[marker_id(head.generation, message_id)] = dump_marker(number)
    rest = [(stop, end)] if stop < end else []
    return Markers(head._replace(unmarked=(*rest, *others)), records, stop - first)


def _check_confirmed(view: View) -> None:
    """Raise `OutdatedError` if a marker leads to no message because the head may be outdated.

    With the current head it is harmless: the message is garbage, or was damaged and removed.
    """
    if not view.is_confirmed:
        raise OutdatedError(CorruptStoreError("the marker of a message's id leads nowhere"))


def dump_marker(number: int) -> str:
    """Return the text of a marker, given the number of the message's record."""
    return f"{number:x}"


def load_marker(text: str) -> int:
    """Return the number of the record that a marker leads to.

    Raises:
        CorruptStoreError: The text is not that of a marker.

    """
    if not _NUMBER.fullmatch(text):
        raise CorruptStoreError("the marker of a message's id cannot be read")
    return int(text, 16)
