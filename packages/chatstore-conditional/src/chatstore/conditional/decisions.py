"""What a change of a conversation may decide to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, Union

from chatstore.conditional.database import Database
from chatstore.conditional.editing import Editor
from chatstore.conditional.encoding import StoredMessage, divide
from chatstore.conditional.entries import Entry, Location, dump_node, run_of
from chatstore.conditional.head import Head
from chatstore.conditional.id_markers import next_markers
from chatstore.conditional.lookup import View
from chatstore.conditional.names import marker_id, node_id, record_id
from chatstore.conditional.times import time_of, with_times
from chatstore.core.backend import Plan, Record

C = TypeVar("C")
OTHER_OPERATIONS = 16
"""Operations of a removal beside the message's records: the head, a marker, nodes."""


class Edited(NamedTuple):
    """A head with a changed index, and the records that are written and deleted with it."""

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
    """A message to write.

    Attributes:
        parts: The parts of its body.
        marked_id: Its id, if it gets a marker; otherwise it is found by the time in its id.
        time: Otherwise this time.

    """

    parts: Sequence[str]
    marked_id: str | None
    time: int = 0


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
        error: What the call raises instead.

    """

    result: Any
    depends_on_records: bool = False
    error: Exception | None = None


Decision = Union[Proposal, Preparation, Nothing]  # noqa: UP007 - evaluated by Python 3.10
Decide = Callable[[View], Plan[C, Decision]]


def new_messages(
    database: Database[Any], records: Sequence[Record], *, all_marked: bool = False
) -> list[NewMessage]:
    """Return records as messages to write.

    Args:
        database: The database.
        records: The records.
        all_marked: Whether all get markers. Otherwise those do not whose ids are new and contain
            the time, since they are appended in the order of their times.

    """
    size, weigh = database.limits.record_bytes, database.weigh
    messages = []
    for record in records:
        time = time_of(record.id)
        is_marked = all_marked or record.has_caller_id or time is None
        parts = divide(record.body, size=size, weigh=weigh)
        messages.append(NewMessage(parts, record.id if is_marked else None, time or 0))
    return messages


def appended(messages: Sequence[NewMessage], head: Head, number: int) -> Edited:
    """Return a head with messages behind all others."""
    count = len(messages)
    if not count:
        return Edited(head)
    editor = Editor(head.next_node)
    entries = editor.appended(head.entries, head.next_position, run_of(number, count))
    times = [message.time for message in messages if message.marked_id is None]
    head = with_times(head, times)
    return Edited.by(editor, head, entries, next_position=head.next_position + count)


def with_markers_first(database: Database[C], key: str, head: Head) -> Plan[C, Preparation | None]:
    """Return what is written before a change that needs all markers; ``None``: nothing."""
    if not head.unmarked:
        return None
    markers = yield from next_markers(database, key, head)
    return Preparation(Edited(markers.head, markers.records))


def records_of(stream: str, number: int, stored: StoredMessage) -> list[str]:
    """Return the ids of the records of a stored message."""
    return [record_id(stream, number, part) for part in range(stored.parts)]


def markers_of(head: Head, stored: StoredMessage) -> list[str]:
    """Return the id of the marker of a stored message, if it has one and its id can be read."""
    message_id = stored.id if stored.is_marked else None
    return [] if message_id is None else [marker_id(head.generation, message_id)]
