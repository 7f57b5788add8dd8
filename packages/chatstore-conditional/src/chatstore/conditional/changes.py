"""What a change of a conversation wants to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, Union

from chatstore.conditional import encoding
from chatstore.conditional.database import Limits
from chatstore.conditional.editing import Editor
from chatstore.conditional.entries import Entry, Place
from chatstore.conditional.head import Head
from chatstore.conditional.id_markers import marker_text
from chatstore.conditional.names import SEAL, marker_id, node_id, record_id
from chatstore.conditional.reading import dump_node
from chatstore.core.backend import Plan

C = TypeVar("C")


class Edited(NamedTuple):
    """A head with the index changed, and the nodes that are written and deleted with it."""

    head: Head
    puts: Mapping[str, str] = {}
    deletes: Sequence[str] = ()

    @classmethod
    def by(cls, editor: Editor, head: Head, entries: Sequence[Entry], **fields: Any) -> Edited:
        """Return what an editor made of a head."""
        outermost = editor.folded(entries)
        return cls(
            head._replace(entries=outermost, nodes=editor.nodes, **fields),
            {node_id(head.stream, n): dump_node(inner) for n, inner in editor.written.items()},
            [node_id(head.stream, number) for number in editor.replaced],
        )


class NewMessage(NamedTuple):
    """A message to be written: the parts of its body, and the id that its caller gave, if any."""

    parts: Sequence[str]
    name: str | None


class Proposal(NamedTuple):
    """What a change wants to write, if the head stays as it was.

    Attributes:
        result: What the call returns when it took effect.
        edit: Returns the new head for a head and the number of the first new record.
        messages: The new messages.
        deletes: Records that go.
        removed: Where the message was that is removed.

    """

    result: Any
    edit: Callable[[Head, int], Edited]
    messages: Sequence[NewMessage] = ()
    deletes: Sequence[str] = ()
    removed: Place | None = None


class Preparation(NamedTuple):
    """What has to be written before the change can be decided; it is not its effect."""

    edited: Edited


class Nothing(NamedTuple):
    """There is nothing to write.

    Attributes:
        result: What the call returns.
        is_of_records: Whether records were read for it, which others may have changed meanwhile.

    """

    result: Any
    is_of_records: bool = False


class View(NamedTuple):
    """What a change is decided on.

    Attributes:
        head: The head as a writer has to see it: without what has expired.
        is_confirmed: Whether a record was found missing for this very version of the head before.

    """

    head: Head
    is_confirmed: bool = False


Decision = Union[Proposal, Preparation, Nothing]  # noqa: UP007 - read at run time by Python 3.10
Decide = Callable[[View], Plan[C, Decision]]


class Commit(NamedTuple):
    """A head with all records that are written and deleted with it."""

    head: Head
    puts: dict[str, str]
    deletes: list[str]

    def fits(self, limits: Limits, weigh: Callable[[str], int]) -> bool:
        """Whether a database takes it in one commit."""
        if 1 + len(self.puts) + len(self.deletes) > limits.operations:
            return False
        return sum(map(weigh, self.puts.values())) <= limits.commit_bytes // 2


def commit_of(stored: Head | None, edited: Edited) -> Commit:
    """Return a change of a stored head, with the seal that tells that there are messages."""
    puts, deletes = dict(edited.puts), list(edited.deletes)
    had, has = stored is not None and bool(stored.entries), bool(edited.head.entries)
    if has and not had:
        puts[SEAL] = "1"
    if had and not has:
        deletes.append(SEAL)
    return Commit(edited.head, puts, deletes)


def marked(commit: Commit, messages: Sequence[NewMessage], number: int, room: int) -> Commit:
    """Return a commit with the markers of new messages; those beyond the room follow later."""
    head = commit.head
    markers = {
        number + offset: marker_id(head.generation, message.name)
        for offset, message in enumerate(messages)
        if message.name is not None
    }
    if not markers:
        return commit
    now, later = list(markers)[: max(0, room)], list(markers)[max(0, room) :]
    puts = {markers[one]: marker_text(one) for one in now}
    unmarked = head.unmarked
    if later:
        unmarked = (*unmarked, (later[0], number + len(messages)))
    new = head._replace(is_marked=True, unmarked=unmarked)
    return Commit(new, {**commit.puts, **puts}, commit.deletes)


def records(
    stream: str, number: int, messages: Sequence[NewMessage], request: str
) -> dict[str, str]:
    """Return the records of new messages: all first parts, then the others.

    The first part tells how many others there are, so whoever discards them can find them.
    """
    firsts = {
        record_id(stream, number + offset): encoding.first_part(
            message.parts, None if message.name is None else request
        )
        for offset, message in enumerate(messages)
    }
    others = {
        record_id(stream, number + offset, part): text
        for offset, message in enumerate(messages)
        for part, text in enumerate(message.parts)
        if part
    }
    return firsts | others
