"""Decisions that remove messages: remove, truncate, delete."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.decisions import (
    OTHER_OPERATIONS,
    Decision,
    Edited,
    Nothing,
    Proposal,
    markers_of,
    records_of,
    with_markers_first,
)
from chatstore.conditional.editing import Editor
from chatstore.conditional.encoding import StoredMessage
from chatstore.conditional.entries import Entry, Location
from chatstore.conditional.head import Garbage, Head, emptied
from chatstore.conditional.id_markers import locate_id
from chatstore.conditional.lookup import Found, OutdatedError, View, at_index, newest
from chatstore.conditional.names import new_name
from chatstore.conditional.reading import check_complete, read_existing
from chatstore.core import CorruptMessageError
from chatstore.core.backend import Delete, Plan, Remove, StoredRecord, Truncate, check_revision

C = TypeVar("C")


class Removal(NamedTuple):
    """What becomes of the records of messages that are removed.

    Attributes:
        records: The ids of records that are deleted with the change.
        garbage: Otherwise: what is deleted later.
        markers: The ids of markers to be deleted with the change.
        messages: The messages, as far as they exist.

    """

    records: list[str]
    garbage: tuple[Garbage, ...]
    markers: list[str]
    messages: dict[int, StoredMessage]

    @classmethod
    def of(
        cls, database: Database[C], key: str, view: View, locations: Sequence[Location]
    ) -> Plan[C, Removal]:
        """Return what becomes of some messages.

        Raises:
            OutdatedError: One of them is missing, and the head may be outdated.

        """
        head = view.head
        numbers = [location.number for location in locations]
        messages = yield from read_existing(database, key, head.stream, numbers)
        if not view.is_confirmed:
            check_complete(key, locations, messages)
        records: list[str] = []
        markers: list[str] = []
        garbage: tuple[Garbage, ...] = ()
        for number, stored in messages.items():
            records += records_of(head.stream, number, stored)
            markers += markers_of(head, stored)
        size = len(records) + len(markers) + OTHER_OPERATIONS
        if len(messages) < len(numbers) or size > database.limits.operations:
            records = []
            garbage = tuple(Garbage(n, n + 1, "", is_divided=True) for n in numbers)
        return cls(records, garbage, markers, messages)


class Removing(Generic[C]):
    """Removes one message. The result is the message, or ``None``."""

    def __init__(self, database: Database[C], key: str, write: Remove) -> None:
        """Take the index or id, and the check of the message."""
        self._database = database
        self._key = key
        self._write = write

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        database, key = self._database, self._key
        check_revision(self._write.expected_revision, view.head.current_revision)
        preparation = yield from with_markers_first(database, key, view.head)
        if preparation is not None:
            return preparation
        located = yield from self._located(view)
        if located is None:
            return Nothing(None, depends_on_records=isinstance(self._write.target, str))
        location = located.location
        removal = yield from Removal.of(database, key, view, [location])
        stored = removal.messages.get(location.number)
        record = StoredRecord(location.position, "" if stored is None else stored.body)
        try:
            self._write.check(record)
        except CorruptMessageError as error:
            if stored is None:
                check_complete(key, [location], removal.messages)
            raise OutdatedError(error) from None
        return Proposal(
            record,
            partial(_removed, located, removal),
            deletes=[*removal.records, *removal.markers],
            removed=location,
        )

    def _located(self, view: View) -> Plan[C, Found | None]:
        target, count = self._write.target, view.head.length
        if isinstance(target, str):
            return (yield from locate_id(self._database, self._key, view, target))
        if not -count <= target < count:
            return None
        return (yield from at_index(self._database, self._key, view.head, target % count))


class Truncating(Generic[C]):
    """Removes the message with an id, and all behind it. The result is their number."""

    def __init__(self, database: Database[C], key: str, write: Truncate) -> None:
        """Take the id."""
        self._database = database
        self._key = key
        self._write = write

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        database, key, head = self._database, self._key, view.head
        check_revision(self._write.expected_revision, head.current_revision)
        preparation = yield from with_markers_first(database, key, head)
        if preparation is not None:
            return preparation
        located = yield from locate_id(database, key, view, self._write.from_id)
        if located is None:
            return Nothing(0, depends_on_records=True)
        count = head.length - located.place
        removal = None
        if 2 * count + OTHER_OPERATIONS <= database.limits.operations:
            locations = yield from newest(database, key, head, count, None)
            removal = yield from Removal.of(database, key, view, locations)
            if removal.garbage:
                removal = None  # deleted later, as those of many messages
        return Proposal(
            count,
            partial(_truncated, located, removal),
            deletes=[] if removal is None else [*removal.records, *removal.markers],
            removed=located.location,
        )


class Deleting(Generic[C]):
    """Deletes a conversation."""

    def __init__(self, write: Delete) -> None:
        """Name what begins after it."""
        self._expected_revision = write.expected_revision
        self._generation = new_name()

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head. The result is the conversation's record."""
        yield from ()
        check_revision(self._expected_revision, view.head.current_revision)
        if not view.head.exists:
            return Nothing(None)
        return Proposal(view.head.record, lambda head, _: Edited(emptied(head, self._generation)))


def _removed(located: Found, removal: Removal, head: Head, _: int) -> Edited:
    editor = Editor(head.next_node, located.nodes)
    entries = editor.removed(head.entries, located.place)
    garbage = (*head.garbage, *removal.garbage)
    return _without_last(Edited.by(editor, head, entries, garbage=garbage))


def _truncated(located: Found, removal: Removal | None, head: Head, _: int) -> Edited:
    if located.place == 0 and not head.outlasts_messages and removal is None:
        return Edited(emptied(head))
    editor = Editor(head.next_node, located.nodes)
    entries, removed = editor.truncated(head.entries, located.place)
    garbage = [_garbage_of(head, entry) for entry in removed]
    if removal is not None:
        garbage = [Garbage(entry.number, 0) for entry in removed if entry.level]
    edited = Edited.by(editor, head, entries, garbage=(*head.garbage, *garbage))
    return _without_last(edited)


def _garbage_of(head: Head, entry: Entry) -> Garbage:
    markers = head.generation if head.is_marked else ""
    if entry.level:
        return Garbage(entry.number, 0, markers, head.is_divided, has_messages=True)
    first, end = entry.numbers
    return Garbage(first, end, markers, head.is_divided)


def _without_last(edited: Edited) -> Edited:
    """Let a conversation go that has neither messages nor a record that outlasts them."""
    if edited.head.exists:
        return edited
    return edited._replace(head=emptied(edited.head))
