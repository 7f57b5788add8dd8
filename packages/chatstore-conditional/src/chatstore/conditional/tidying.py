"""What follows a change: writes markers that are still to be written, and discards garbage.

The change has already taken effect, so errors here are ignored: the next change goes on with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from chatstore.conditional import encoding
from chatstore.conditional.context import Context, Known
from chatstore.conditional.database import Database
from chatstore.conditional.head import Garbage, Head
from chatstore.conditional.id_markers import marker_text
from chatstore.conditional.names import marker_id, node_id, record_id
from chatstore.conditional.observing import abandoned
from chatstore.conditional.reading import fetch_existing, load_node, read_head
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Plan

C = TypeVar("C")
AT_ONCE = 200
"""Records that one call discards at most of what other calls left."""

MOST_GARBAGE = 8
"""Ranges of garbage above which a call discards all: so they stay few."""

_CONFLICTS = 5


class Progress(NamedTuple):
    """A head after a part of the work, and what is written with it.

    Attributes:
        head: The new head.
        done: How many records were marked or discarded.
        puts: Markers to be written with the head.

    """

    head: Head
    done: int
    puts: Mapping[str, str] = {}


def needs_tidying(head: Head) -> bool:
    """Whether there is something to do."""
    return bool(head.garbage or head.unmarked)


def tidy(
    context: Context[C], key: str, known: Known, *, extra: float = 0, owner: str = ""
) -> Plan[C, Known | None]:
    """Write markers and discard garbage; return the head that is known then.

    Args:
        context: What the store's changes share.
        key: The conversation.
        known: Its head, with the version.
        extra: How many records are marked and discarded at most, beyond `AT_ONCE`.
        owner: The request that has ended: its staging is garbage.

    """
    database = context.database
    head, version = known
    budget = AT_ONCE + extra
    conflicts = 0
    while True:
        own = [staging for staging in head.stagings if staging.owner == owner]
        if own:
            others = tuple(staging for staging in head.stagings if staging.owner != owner)
            garbage = (*head.garbage, *map(abandoned, own))
            head = head._replace(stagings=others, garbage=garbage)
        if len(head.garbage) > MOST_GARBAGE:
            budget = float("inf")
        if not needs_tidying(head) or budget <= 0:
            return None if own else (head, version)
        if head.unmarked:
            progress = yield from marking(database, key, head)
        else:
            progress = yield from _discarding(database, key, head, budget)
        new = progress.head
        committed = yield from database.commit(
            key, version, new.dump(), progress.puts, (), new.lifetime
        )
        if committed is not None:
            head, version = new, committed
            budget -= progress.done
            continue
        conflicts += 1
        if conflicts == _CONFLICTS:
            return None
        present, now = yield from read_head(database, key)
        if present is None or now is None:
            return None
        head, version = present, now


def marking(database: Database[C], key: str, head: Head) -> Plan[C, Progress]:
    """Return the next markers to be written, as many as fit into one commit."""
    (first, end), *others = head.unmarked
    stop = min(end, first + database.limits.operations - 1)
    bodies = yield from fetch_existing(database, key, head.stream, range(first, stop))
    puts = {}
    for number, text in bodies.items():
        name = encoding.id_of(text)
        if name is not None and encoding.load(text).is_marked:
            puts[marker_id(head.generation, name)] = marker_text(number)
    rest = [(stop, end)] if stop < end else []
    return Progress(head._replace(unmarked=(*rest, *others)), stop - first, puts=puts)


def _discarding(database: Database[C], key: str, head: Head, budget: float) -> Plan[C, Progress]:
    """Discard garbage; return the head without it."""
    garbage = list(head.garbage)
    done = 0
    while garbage and done < budget:
        item = garbage.pop()
        if not item.end:
            done += yield from _discard_nodes(database, key, head.stream, item.first)
            continue
        stop = min(item.end, item.first + AT_ONCE)
        yield from _discard_records(database, key, head.stream, item, range(item.first, stop))
        done += stop - item.first
        if stop < item.end:
            garbage.append(item._replace(first=stop))
    return Progress(head._replace(garbage=tuple(garbage)), done)


def _discard_records(
    database: Database[C], key: str, stream: str, item: Garbage, numbers: range
) -> Plan[C, None]:
    names = {number: record_id(stream, number) for number in numbers}
    if item.is_cut or item.generation:
        # What a record leads to goes first: if this is interrupted, it can be repeated.
        found = yield from database.read_records(key, list(names.values()))
        others = []
        for number, name in names.items():
            stored = encoding.load(found.get(name, ""))
            others += [record_id(stream, number, part) for part in range(1, stored.parts)]
            if stored.is_marked and item.generation:
                if stored.parts > 1:
                    whole = yield from fetch_existing(database, key, stream, [number])
                    message_id = encoding.id_of(whole.get(number, ""))
                else:
                    message_id = encoding.id_of(found[name])
                if message_id is not None:
                    others.append(marker_id(item.generation, message_id))
        if others:
            yield from database.discard(key, others)
        names = {number: name for number, name in names.items() if name in found}
    if names:
        yield from database.discard(key, list(names.values()))


def _discard_nodes(database: Database[C], key: str, stream: str, number: int) -> Plan[C, int]:
    """Discard a node and all below it, the lowest first; return how many."""
    levels = [[number]]
    while levels[-1]:
        names = [node_id(stream, one) for one in levels[-1]]
        found = yield from database.read_records(key, names)
        levels.append([number for text in found.values() for number in _nodes_below(text)])
    for level in reversed(levels[:-1]):
        yield from database.discard(key, [node_id(stream, one) for one in level])
    return sum(map(len, levels))


def _nodes_below(text: str) -> list[int]:
    try:
        return [entry.number for entry in load_node(text) if entry.level]
    except CorruptStoreError:
        return []  # what a damaged node led to cannot be found
