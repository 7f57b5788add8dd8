"""Decisions that add messages: append, insert, put, replace, create."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Generic, TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.decisions import (
    Decision,
    Edited,
    Nothing,
    Proposal,
    appended,
    new_messages,
    with_markers_first,
)
from chatstore.conditional.details import with_record
from chatstore.conditional.editing import Editor
from chatstore.conditional.entries import run_of
from chatstore.conditional.head import Head, emptied, without_messages
from chatstore.conditional.id_markers import IdCheck, locate_id
from chatstore.conditional.lookup import Found, View, at_index
from chatstore.conditional.names import new_name
from chatstore.conditional.removing import Removal
from chatstore.core.backend import Create, Plan, Put, Record, Replace, check_revision

C = TypeVar("C")


class Adding(Generic[C]):
    """Appends or inserts messages, unless the conversation has the id of any of them."""

    def __init__(
        self,
        database: Database[C],
        key: str,
        records: Sequence[Record],
        index: int | None = None,
        expected_revision: str | None = None,
    ) -> None:
        """Take the messages, and the index to insert them at; ``None``: append them."""
        self._database = database
        self._key = key
        self._messages = new_messages(database, records, all_marked=index is not None)
        self._index = index
        self._expected_revision = expected_revision
        ids = [record.id for record in records if record.has_caller_id]
        self._check = IdCheck(database, key, ids) if ids else None

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        head, index = view.head, self._index
        if self._check is not None:
            preparation = yield from with_markers_first(self._database, self._key, head)
            if preparation is not None:
                return preparation
            existing = yield from self._check.existing(view)
            if existing:
                return Nothing(existing, depends_on_records=True)
        check_revision(self._expected_revision, head.current_revision)
        if index is not None and index < 0:
            index = max(0, index + head.length)
        if index is None or index >= head.length:
            return Proposal([], partial(appended, self._messages), self._messages)
        located = yield from at_index(self._database, self._key, head, index)
        return Proposal([], partial(self._inserted, located), self._messages)

    def _inserted(self, located: Found, head: Head, number: int) -> Edited:
        editor = Editor(head.next_node, located.nodes)
        count = len(self._messages)
        entries = editor.inserted(head.entries, located.place, run_of(number, count))
        return Edited.by(
            editor, head, entries, epoch=new_name(), next_position=head.next_position + count
        )


class Putting(Generic[C]):
    """Replaces the message with the same id, or appends the new one.

    The new body gets a record of its own: readers that are under way find the old one, or notice
    that it is gone.
    """

    def __init__(self, database: Database[C], key: str, write: Put) -> None:
        """Take the message."""
        self._database = database
        self._key = key
        self._write = write
        self._messages = new_messages(database, [write.record], all_marked=True)

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        check_revision(self._write.expected_revision, view.head.current_revision)
        preparation = yield from with_markers_first(self._database, self._key, view.head)
        if preparation is not None:
            return preparation
        located = yield from locate_id(self._database, self._key, view, self._write.record.id)
        if located is None:
            return Proposal(None, partial(appended, self._messages), self._messages)
        removal = yield from Removal.of(self._database, self._key, view, [located.location])
        return Proposal(
            None,
            partial(self._replaced, located, removal),
            self._messages,
            deletes=removal.records,
            removed=located.location,
        )

    def _replaced(self, located: Found, removal: Removal, head: Head, number: int) -> Edited:
        editor = Editor(head.next_node, located.nodes)
        garbage = (*head.garbage, *removal.garbage)
        if not self._write.moves_to_end:
            entries = editor.rewritten(head.entries, located.place, number)
            return Edited.by(editor, head, entries, garbage=garbage)
        entries = editor.removed(head.entries, located.place)
        entries = editor.appended(entries, head.next_position, run_of(number, 1))
        position = head.next_position + 1
        return Edited.by(editor, head, entries, garbage=garbage, next_position=position)


class Replacing(Generic[C]):
    """Replaces all messages of a conversation."""

    def __init__(self, database: Database[C], write: Replace) -> None:
        """Take the messages."""
        self._messages = new_messages(database, write.records)
        self._expected_revision = write.expected_revision
        self._generation = new_name()  # tells this replacement from a later one

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        yield from ()
        check_revision(self._expected_revision, view.head.current_revision)
        if not (self._messages or view.head.exists):
            return Nothing(None)
        return Proposal(None, self._edit, self._messages)

    def _edit(self, head: Head, number: int) -> Edited:
        if not (self._messages or head.outlasts_messages):
            return Edited(emptied(head, self._generation))
        return appended(self._messages, without_messages(head, self._generation), number)


class Creating(Generic[C]):
    """Begins a conversation, unless there is one. The result is whether it began."""

    def __init__(self, database: Database[C], write: Create) -> None:
        """Take the conversation's record and its messages."""
        self._database = database
        self._messages = new_messages(database, write.records)
        self._record = write.record
        self._generation = new_name()  # tells this conversation from a later one

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        yield from ()
        if view.head.exists:
            return Nothing(None)
        return Proposal(None, self._edit, self._messages)

    def _edit(self, head: Head, number: int) -> Edited:
        empty = emptied(head, self._generation)
        new, details = with_record(self._database, empty, self._record)
        edited = appended(self._messages, new, number)
        return edited._replace(puts={**edited.puts, **details})
