"""What each call wants to write, decided on a head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from chatstore.conditional import encoding
from chatstore.conditional.changes import (
    Decision,
    Edited,
    NewMessage,
    Nothing,
    Preparation,
    Proposal,
    View,
)
from chatstore.conditional.database import Database
from chatstore.conditional.editing import Editor
from chatstore.conditional.entries import run_of
from chatstore.conditional.head import Garbage, Head, emptied
from chatstore.conditional.id_markers import IdCheck
from chatstore.conditional.names import marker_id, new_name, record_id
from chatstore.conditional.reading import OutdatedError, fetch, path_to
from chatstore.conditional.tidying import marking
from chatstore.core import CorruptMessageError
from chatstore.core.backend import Plan, Record, Remove, StoredRecord

C = TypeVar("C")
_OTHER_OPERATIONS = 16  # of a removal: the head, a marker, nodes


def new_messages(database: Database[C], records: Sequence[Record]) -> list[NewMessage]:
    """Return messages as they are written."""
    size, weigh = database.limits.record_bytes, database.weigh
    return [
        NewMessage(
            encoding.cut(record, size=size, weigh=weigh),
            record.id if record.has_caller_id else None,
        )
        for record in records
    ]


class Adding(Generic[C]):
    """Decides to append messages, or to insert them, unless the conversation has one of them."""

    def __init__(
        self, database: Database[C], key: str, records: Sequence[Record], at: int | None = None
    ) -> None:
        """Take the messages, and the index to insert them at; ``None``: append."""
        self._database = database
        self._key = key
        self._check = IdCheck(database, key, records)
        self._messages = new_messages(database, records)
        self._at = at

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide on a head."""
        head = view.head
        if self._check and head.unmarked:
            progress = yield from marking(self._database, self._key, head)
            return Preparation(Edited(progress.head, progress.puts))
        existing = yield from self._check.existing(head)
        if existing:
            return Nothing(existing, is_of_records=True)
        edit = yield from self._edit(head)
        return Proposal([], edit, self._messages)

    def _edit(self, head: Head) -> Plan[C, Callable[[Head, int], Edited]]:
        count, at = head.length, self._at
        if at is not None and at < 0:
            at = max(0, at + count)
        if at is None or at >= count:
            return lambda head, number: appended(head, number, len(self._messages))
        _, nodes = yield from path_to(self._database, self._key, head, at)

        def inserted(head: Head, number: int) -> Edited:
            editor = Editor(head.nodes, nodes)
            added = len(self._messages)
            entries = editor.inserted(head.entries, at, run_of(number, added))
            return Edited.by(editor, head, entries, epoch=new_name(), next=head.next + added)

        return inserted


class Replacing(Generic[C]):
    """Decides to replace a conversation by messages."""

    def __init__(self, database: Database[C], records: Sequence[Record]) -> None:
        """Take the messages."""
        self._messages = new_messages(database, records)
        self._generation = new_name()  # by it a lost answer is told from a later replacement

    def __call__(self, _: View) -> Plan[C, Decision]:
        """Decide on a head."""
        yield from ()
        return Proposal(None, self._edit, self._messages)

    def _edit(self, head: Head, number: int) -> Edited:
        return appended(emptied(head, self._generation), number, len(self._messages))


class Deleting(Generic[C]):
    """Decides to forget a conversation."""

    def __init__(self) -> None:
        """Name what begins after it."""
        self._generation = new_name()

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide on a head."""
        yield from ()
        if not view.head.entries:
            return Nothing(None)
        return Proposal(None, lambda head, _: Edited(emptied(head, self._generation)))


class Removing(Generic[C]):
    """Decides to remove one message."""

    def __init__(self, database: Database[C], key: str, write: Remove) -> None:
        """Take the index, and the check of the message."""
        self._database = database
        self._key = key
        self._write = write

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide on a head."""
        head = view.head
        count = head.length
        if not -count <= self._write.index < count:
            return Nothing(None)
        index = self._write.index % count
        place, nodes = yield from path_to(self._database, self._key, head, index)
        missing: Exception | None = None
        try:
            bodies = yield from fetch(self._database, self._key, head.stream, [place])
        except OutdatedError as outdated:
            if not view.is_confirmed:
                raise
            bodies, missing = {}, outdated.error
        stored = encoding.load(bodies.get(place, ""))
        record = StoredRecord(place.position, stored.body)
        try:
            self._write.check(record)
        except CorruptMessageError as error:
            raise OutdatedError(missing or error) from None
        deletes = [record_id(head.stream, place.number, n) for n in range(stored.parts)]
        garbage: tuple[Garbage, ...] = ()
        if (
            place not in bodies
            or len(deletes) + _OTHER_OPERATIONS > self._database.limits.operations
        ):
            deletes = []
            garbage = (Garbage(place.number, place.number + 1, "", is_cut=True),)
        name = encoding.id_of(bodies.get(place, ""))
        has_marker = not any(first <= place.number < end for first, end in head.unmarked)
        if stored.is_marked and has_marker and name is not None:
            deletes.append(marker_id(head.generation, name))

        def removed(head: Head, _: int) -> Edited:
            editor = Editor(head.nodes, nodes)
            entries = editor.removed(head.entries, index)
            edited = Edited.by(editor, head, entries, garbage=(*head.garbage, *garbage))
            return edited if entries else edited._replace(head=emptied(edited.head))

        return Proposal(record, removed, deletes=deletes, removed=place)


def appended(head: Head, number: int, count: int) -> Edited:
    """Return a head with records behind all others."""
    editor = Editor(head.nodes)
    entries = editor.appended(head.entries, head.next, run_of(number, count))
    return Edited.by(editor, head, entries, next=head.next + count)
