"""``Commit``: a head with the records that are written and deleted with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chatstore.conditional.database import HeadWrite, Limits
from chatstore.conditional.decisions import Edited, NewMessage
from chatstore.conditional.encoding import dump_first_part
from chatstore.conditional.head import Head
from chatstore.conditional.head_json import dump_head
from chatstore.conditional.id_markers import dump_marker
from chatstore.conditional.names import SEAL, details_id, marker_id, record_id


class Commit(NamedTuple):
    """A head with all records that are written and deleted with it."""

    head: Head
    puts: dict[str, str]
    deletes: list[str]

    def fits(self, limits: Limits, weigh: Callable[[str], int]) -> bool:
        """Return whether a database accepts it as one commit."""
        if 1 + len(self.puts) + len(self.deletes) > limits.operations:
            return False
        return sum(map(weigh, self.puts.values())) <= limits.commit_bytes // 2


def head_write(
    version: str | None, head: Head, puts: Mapping[str, str] = {}, deletes: Sequence[str] = ()
) -> HeadWrite:
    """Return what a database is given to write a head with records.

    Args:
        version: The version that the stored head must have.
        head: The new head.
        puts: The records that are written.
        deletes: The ids of the records that are deleted.

    """
    return HeadWrite(
        version, dump_head(head), puts, deletes, head.lifetime, head.record.owner, head.written
    )


def commit_of(stored: Head | None, edited: Edited) -> Commit:
    """Return the commit that replaces a stored head.

    The seal exists while there are messages, and long details while the head refers to them.
    """
    puts, deletes = dict(edited.puts), list(edited.deletes)
    had_messages = stored is not None and bool(stored.entries)
    has_messages = bool(edited.head.entries)
    if has_messages and not had_messages:
        puts[SEAL] = "1"
    if had_messages and not has_messages:
        deletes.append(SEAL)
    details = None if stored is None else stored.details
    if stored is not None and details is not None and details != edited.head.details:
        deletes.append(details_id(stored.stream, details))
    return Commit(edited.head, puts, deletes)


def with_markers(
    commit: Commit, messages: Sequence[NewMessage], number: int, limits: Limits
) -> Commit:
    """Return a commit with the markers of new messages, as many as fit; the others follow later.

    Args:
        commit: The commit.
        messages: The new messages.
        number: The number of the first one's record.
        limits: The database's limits.

    """
    head = commit.head
    markers: dict[int, str] = {}
    for offset, message in enumerate(messages, number):
        if message.marked_id is not None:
            markers[offset] = marker_id(head.generation, message.marked_id)
    if not markers:
        return commit
    room = max(0, limits.operations - 1 - len(commit.puts) - len(commit.deletes))
    now, later = list(markers)[:room], list(markers)[room:]
    puts = {markers[one]: dump_marker(one) for one in now}
    unmarked = head.unmarked
    if later:
        unmarked = (*unmarked, (later[0], number + len(messages)))
    new = head._replace(is_marked=True, unmarked=unmarked)
    return Commit(new, {**commit.puts, **puts}, commit.deletes)


def is_divided(messages: Sequence[NewMessage]) -> bool:
    """Return whether a message has several parts."""
    return max([len(message.parts) for message in messages], default=1) > 1


def message_records(
    stream: str, number: int, messages: Sequence[NewMessage], request: str
) -> dict[str, str]:
    """Return the records of new messages."""
    return first_records(stream, number, messages, request) | other_records(
        stream, number, messages
    )


def first_records(
    stream: str, number: int, messages: Sequence[NewMessage], request: str
) -> dict[str, str]:
    """Return the records of new messages' first parts.

    Each tells how many other parts there are, so that these can be found and deleted if the writer
    is killed. So the first parts are written before the others.
    """
    firsts: dict[str, str] = {}
    for offset, message in enumerate(messages, number):
        owner = None if message.marked_id is None else request
        firsts[record_id(stream, offset)] = dump_first_part(message.parts, owner)
    return firsts


def other_records(stream: str, number: int, messages: Sequence[NewMessage]) -> dict[str, str]:
    """Return the records of new messages' other parts."""
    return {
        record_id(stream, offset, part): text
        for offset, message in enumerate(messages, number)
        for part, text in enumerate(message.parts[1:], 1)
    }
