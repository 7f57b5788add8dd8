"""Cleans up after a change: writes missing markers and deletes garbage.

The change has already taken effect, so its caller ignores errors: the next change continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from chatstore.conditional.abandoned import garbage_of
from chatstore.conditional.commit import head_write
from chatstore.conditional.context import Context
from chatstore.conditional.database import Database
from chatstore.conditional.decisions import markers_of
from chatstore.conditional.encoding import StoredMessage, load_first_part
from chatstore.conditional.entries import Entry, load_node
from chatstore.conditional.head import Garbage, Head, StoredHead
from chatstore.conditional.id_markers import load_marker, next_markers
from chatstore.conditional.names import marker_id, node_id, record_id
from chatstore.conditional.reading import read_existing, read_head
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Plan, concurrently

C = TypeVar("C")

BATCH = 200
"""The most records of other calls that one call deletes or marks."""

MAX_RANGES = 8
"""With more ranges of garbage than this, one call deletes all, so that ranges stay few."""

_MAX_CONFLICTS = 5


def clean_up(
    context: Context[C], key: str, stored: StoredHead, *, extra: float = 0, request: str = ""
) -> Plan[C, StoredHead | None]:
    """Write markers and delete garbage; return the current head, ``None`` if it is not known.

    Args:
        context: What the backend's changes share.
        key: The conversation.
        stored: Its head.
        extra: How many records are marked and deleted at most, beyond `BATCH`.
        request: A request that has ended: its staging is garbage.

    """
    database = context.database
    head, version = stored
    budget = BATCH + extra
    conflicts = 0
    while True:
        ended = [staging for staging in head.stagings if staging.owner == request]
        if ended:
            others = tuple(staging for staging in head.stagings if staging.owner != request)
            garbage = (*head.garbage, *map(garbage_of, ended))
            head = head._replace(stagings=others, garbage=garbage)
        if len(head.garbage) > MAX_RANGES:
            budget = float("inf")
        if not (head.garbage or head.unmarked) or budget <= 0:
            return None if ended else StoredHead(head, version)
        if head.unmarked:
            new, puts, count = yield from next_markers(database, key, head)
            write = head_write(version, new, puts)
        else:
            new, deletes, count = yield from _without_garbage(database, key, head, budget)
            write = head_write(version, new, deletes=deletes)
        committed = yield from database.commit(key, write)
        if committed is not None:
            head, version = new, committed
            budget -= count
            continue
        conflicts += 1
        if conflicts == _MAX_CONFLICTS:
            return None
        current = yield from read_head(database, key)
        if current is None:
            return None
        head, version = current


def _without_garbage(
    database: Database[C], key: str, head: Head, budget: float
) -> Plan[C, tuple[Head, list[str], int]]:
    """Delete garbage.

    Returns:
        The head without it, the ids of records to be deleted by the commit of this head, and how
        many records were deleted.

    """
    garbage = list(head.garbage)
    deletes: list[str] = []
    messages: list[Plan[C, None]] = []
    count = 0
    while garbage and count < budget and not deletes:
        item = garbage.pop()
        if item.has_messages:
            pieces, deletes = yield from _divided_node(database, key, head.stream, item)
            garbage += pieces
        elif item.end and item.generation == head.generation:
            pieces, deletes = yield from _without_markers(database, key, head, item)
            garbage += pieces
        elif not item.end:
            count += yield from _delete_nodes(database, key, head.stream, item.first)
        else:
            stop = min(item.end, item.first + BATCH)
            numbers = range(item.first, stop)
            messages.append(_delete_messages(database, key, head.stream, item, numbers))
            count += stop - item.first
            if stop < item.end:
                garbage.append(item._replace(first=stop))
    yield from concurrently(messages, database.concurrency)
    return head._replace(garbage=tuple(garbage)), deletes, count


def _divided_node(
    database: Database[C], key: str, stream: str, item: Garbage
) -> Plan[C, tuple[list[Garbage], list[str]]]:
    """Return what is below a node as garbage, and the node's id if it exists."""
    name = node_id(stream, item.first)
    records = yield from database.read_records(key, [name])
    pieces = []
    for entry in _entries(records.get(name, "[]")):
        if entry.level:
            pieces.append(item._replace(first=entry.number))
        else:
            first, end = entry.numbers
            pieces.append(item._replace(first=first, end=end, has_messages=False))
    return pieces, list(records)


def _without_markers(
    database: Database[C], key: str, head: Head, item: Garbage
) -> Plan[C, tuple[list[Garbage], list[str]]]:
    """Return truncated messages without the markers that still lead to them, and these markers.

    The same ids may be appended again meanwhile, with the same markers. So they are deleted by a
    commit, which another writer's commit refuses.
    """
    stop = min(item.end, item.first + database.limits.operations - 1)
    messages = yield from read_existing(database, key, head.stream, range(item.first, stop))
    numbers = {name: n for n, stored in messages.items() for name in markers_of(head, stored)}
    markers = (yield from database.read_records(key, list(numbers))) if numbers else {}
    deletes = [name for name, text in markers.items() if load_marker(text) == numbers[name]]
    pieces = [item._replace(end=stop, generation="")]
    if stop < item.end:
        pieces.insert(0, item._replace(first=stop))
    return pieces, deletes


def _delete_messages(
    database: Database[C], key: str, stream: str, item: Garbage, numbers: range
) -> Plan[C, None]:
    names = {number: record_id(stream, number) for number in numbers}
    if item.is_divided or item.generation:
        # What a record leads to is deleted first, so that an interrupted call can be repeated.
        records = yield from database.read_records(key, list(names.values()))
        others = []
        for number, name in names.items():
            first = load_first_part(records.get(name, ""))
            others += [record_id(stream, number, part) for part in range(1, first.parts)]
            if first.is_marked and item.generation:
                message: StoredMessage | None = first
                if first.parts > 1:
                    whole = yield from read_existing(database, key, stream, [number])
                    message = whole.get(number)
                message_id = None if message is None else message.id
                if message_id is not None:
                    others.append(marker_id(item.generation, message_id))
        if others:
            yield from database.discard(key, others)
        names = {number: name for number, name in names.items() if name in records}
    if names:
        yield from database.discard(key, list(names.values()))


def _delete_nodes(database: Database[C], key: str, stream: str, number: int) -> Plan[C, int]:
    """Delete a node and all nodes below it, the lowest first; return how many."""
    levels = [[number]]
    while levels[-1]:
        names = [node_id(stream, one) for one in levels[-1]]
        records = yield from database.read_records(key, names)
        levels.append([below for text in records.values() for below in _nodes_below(text)])
    for level in reversed(levels[:-1]):
        yield from database.discard(key, [node_id(stream, one) for one in level])
    return sum(map(len, levels))


def _nodes_below(text: str) -> list[int]:
    return [entry.number for entry in _entries(text) if entry.level]


def _entries(text: str) -> Sequence[Entry]:
    try:
        return load_node(text)
    except CorruptStoreError:
        return ()  # what a damaged node led to cannot be found
