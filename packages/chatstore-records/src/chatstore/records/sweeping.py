"""Discards what nobody reads any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from chatstore.core.plans import Plan
from chatstore.records import texts
from chatstore.records.database import Database
from chatstore.records.head import Head, Segment
from chatstore.records.reading import id_of

_AT_ONCE = 500  # records


def sweep(
    database: Database,
    key: str,
    head: Head,
    version: str | None,
    *,
    is_doubtful: Callable[[Exception], bool],
) -> Plan[tuple[Head, str] | None]:
    """Discard the segments that wait for it; return the head that is known now.

    The call that a sweep follows has taken effect: what goes wrong here, a later one repeats.
    """
    if version is None:
        return None
    if not head.waiting:
        return head, version
    try:
        for generation, segment in head.waiting:
            yield from _discard(database, key, head, generation, segment)
        swept = head._replace(waiting=())
        committed = yield from database.commit(key, version, swept.dump(), {}, (), swept.lifetime)
    except Exception as error:
        if not is_doubtful(error):
            raise
        return None
    return None if committed is None else (swept, committed)


def _discard(
    database: Database, key: str, head: Head, generation: str, segment: Segment
) -> Plan[None]:
    for some in _runs(segment):
        names = [texts.record_id(segment, position) for position in some]
        gone = list(names)
        if segment.parts > 1 or generation != head.generation:
            found = yield from database.read_records(key, names)
            for position, name in zip(some, names, strict=True):
                stored = texts.load(found.get(name))
                parts = max(stored.parts, segment.parts)
                gone += [texts.record_id(segment, position, part) for part in range(1, parts)]
                message_id = id_of(found.get(name)) if stored.is_marked else None
                # The markers of messages that only moved are needed.
                if message_id is not None and generation != head.generation:
                    gone.append(texts.marker_id(generation, message_id))
        yield from database.discard(key, gone)


def _runs(segment: Segment) -> Iterator[Sequence[int]]:
    for start in range(segment.first, segment.end, _AT_ONCE):
        yield range(start, min(start + _AT_ONCE, segment.end))
