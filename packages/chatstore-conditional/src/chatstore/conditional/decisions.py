"""What each call writes, decided for a head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, Union

from chatstore.conditional.database import Database
from chatstore.conditional.editing import Editor
from chatstore.conditional.encoding import StoredMessage, divide
from chatstore.conditional.entries import Entry, Location, dump_node, run_of
from chatstore.conditional.head import Garbage, Head, emptied
from chatstore.conditional.id_markers import IdCheck, next_markers
from chatstore.conditional.lookup import OutdatedError, at_index
from chatstore.conditional.names import marker_id, new_name, node_id, record_id
from chatstore.conditional.reading import read_messages
from chatstore.core import CorruptMessageError
from chatstore.core.backend import Plan, Record, Remove, StoredRecord

C = TypeVar("C")
_OTHER_OPERATIONS = 16  # of a removal: the head, a marker, nodes


class View(NamedTuple):
    """What a decision is made for.

    Attributes:
        head: The head as a writer must see it, see `Context.current`.
        is_confirmed: A record was missing for this version of the head before, so it is lost.

    """

    head: Head
    is_confirmed: bool = False


class Edited(NamedTuple):
    """A head with a changed index, and the nodes that are written and deleted with it."""

    head: Head
    puts: Mapping[str, str] = {}
    deletes: Sequence[str] = ()

    @classmethod
    def by(cls, editor: Editor, head: Head, entries: Sequence[Entry], **fields: Any) -> Edited:
        """Return a head with an editor's entries and nodes."""
        outermost = editor.folded(entries)
        return cls(
            head._replace(entries=outermost, next_node=editor.next_node, **fields),
            {node_id(head.stream, n): dump_node(inner) for n, inner in editor.written.items()},
            [node_id(head.stream, number) for number in editor.replaced],
        )


class NewMessage(NamedTuple):
    """A message to write: the parts of its body, and its id if its caller gave it one."""

    parts: Sequence[str]
    caller_id: str | None


class Proposal(NamedTuple):
    """What a change writes if the head is still the same.

    Attributes:
        result: What the call returns if it takes effect.
        edit: Returns the new head, given the head and the number of the first new record.
        messages: The new messages.
        deletes: Ids of records to delete.
        removed: Where the message is that is removed.

    """

    result: Any
    edit: Callable[[Head, int], Edited]
    messages: Sequence[NewMessage] = ()
    deletes: Sequence[str] = ()
    removed: Location | None = None


class Preparation(NamedTuple):
    """What must be written before the change can be decided; it is not the change's effect."""

    edited: Edited


class Nothing(NamedTuple):
    """Nothing has to be written.

    Attributes:
        result: What the call returns.
        depends_on_records: Records were read for it, which others may have changed meanwhile.

    """

    result: Any
    depends_on_records: bool = False


Decision = Union[Proposal, Preparation, Nothing]  # noqa: UP007 - evaluated by Python 3.10
Decide = Callable[[View], Plan[C, Decision]]


class Adding(Generic[C]):
    """Appends or inserts messages, unless the conversation has the id of any of them."""

    def __init__(
        self,
        database: Database[C],
        key: str,
        records: Sequence[Record],
        index: int | None = None,
    ) -> None:
        """Take the messages, and the index to insert them at; ``None``: append them."""
        self._database = database
        self._key = key
        self._messages = _new_messages(database, records)
        self._index = index
        ids = [record.id for record in records if record.has_caller_id]
        self._check = IdCheck(database, key, ids) if ids else None

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        head, index = view.head, self._index
        if self._check is not None:
            if head.unmarked:
                markers = yield from next_markers(self._database, self._key, head)
                return Preparation(Edited(markers.head, markers.records))
            existing = yield from self._check.existing(head)
            if existing:
                return Nothing(existing, depends_on_records=True)
        added = len(self._messages)
        if index is not None and index < 0:
            index = max(0, index + head.length)
        if index is None or index >= head.length:
            return Proposal([], partial(_appended, added), self._messages)
        _, nodes = yield from at_index(self._database, self._key, head, index)

        def inserted(head: Head, number: int) -> Edited:
            editor = Editor(head.next_node, nodes)
            entries = editor.inserted(head.entries, index, run_of(number, added))
            return Edited.by(
                editor, head, entries, epoch=new_name(), next_position=head.next_position + added
            )

        return Proposal([], inserted, self._messages)


class Replacing(Generic[C]):
    """Replaces a conversation by messages."""

    def __init__(self, database: Database[C], records: Sequence[Record]) -> None:
        """Take the messages."""
        self._messages = _new_messages(database, records)
        self._generation = new_name()  # tells this replacement from a later one

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        del view
        yield from ()
        return Proposal(None, self._edit, self._messages)

    def _edit(self, head: Head, number: int) -> Edited:
        new = emptied(head, self._generation)._replace(record=head.record)
        return _appended(len(self._messages), new, number)


class Deleting(Generic[C]):
    """Deletes a conversation."""

    def __init__(self) -> None:
        """Name what begins after it."""
        self._generation = new_name()

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        yield from ()
        if not view.head.exists:
            return Nothing(None)
        return Proposal(None, lambda head, _: Edited(emptied(head, self._generation)))


class Removing(Generic[C]):
    """Removes one message."""

    def __init__(self, database: Database[C], key: str, write: Remove) -> None:
        """Take the index, and the check of the message."""
        self._database = database
        self._key = key
        self._write = write

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        head = view.head
        count = head.length
        if not -count <= self._write.index < count:
            return Nothing(None)
        index = self._write.index % count
        location, nodes = yield from at_index(self._database, self._key, head, index)
        lost: Exception | None = None
        try:
            messages = yield from read_messages(self._database, self._key, head.stream, [location])
            stored = messages[location]
        except OutdatedError as outdated:
            if not view.is_confirmed:
                raise
            stored, lost = StoredMessage(1, is_marked=False, body=""), outdated.error
        record = StoredRecord(location.position, stored.body)
        try:
            self._write.check(record)
        except CorruptMessageError as error:
            raise OutdatedError(lost or error) from None
        deletes = [record_id(head.stream, location.number, n) for n in range(stored.parts)]
        garbage: tuple[Garbage, ...] = ()
        if lost or len(deletes) + _OTHER_OPERATIONS > self._database.limits.operations:
            deletes = []
            garbage = (Garbage(location.number, location.number + 1, "", is_divided=True),)
        has_marker = not any(first <= location.number < end for first, end in head.unmarked)
        caller_id = stored.id if stored.is_marked and has_marker else None
        if caller_id is not None:
            deletes.append(marker_id(head.generation, caller_id))

        def removed(head: Head, _: int) -> Edited:
            editor = Editor(head.next_node, nodes)
            entries = editor.removed(head.entries, index)
            edited = Edited.by(editor, head, entries, garbage=(*head.garbage, *garbage))
            return edited if entries else edited._replace(head=emptied(edited.head))

        return Proposal(record, removed, deletes=deletes, removed=location)


def _new_messages(database: Database[Any], records: Sequence[Record]) -> list[NewMessage]:
    size, weigh = database.limits.record_bytes, database.weigh
    return [
        NewMessage(
            divide(record.body, size=size, weigh=weigh),
            record.id if record.has_caller_id else None,
        )
        for record in records
    ]


def _appended(count: int, head: Head, number: int) -> Edited:
    """Return a head with records behind all others."""
    editor = Editor(head.next_node)
    entries = editor.appended(head.entries, head.next_position, run_of(number, count))
    return Edited.by(editor, head, entries, next_position=head.next_position + count)
