"""``RecordsChatStore``: the hooks of a store, over a database's few primitives."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from chatstore.core import (
    ChatStore,
    ChatStoreError,
    CorruptMessageError,
    StoreUnavailableError,
    codec,
)
from chatstore.core.checks import check_ttl
from chatstore.core.plans import Plan
from chatstore.core.records import Held, KeyPage, Page, Record, StoredRecord
from chatstore.records import texts
from chatstore.records.changes import Change, Decide, Decision, Nothing, Proposal, Stale, emptied
from chatstore.records.database import Database
from chatstore.records.head import (
    Head,
    Segment,
    cut,
    load,
    new_name,
    without_position,
)
from chatstore.records.identities import find_held, find_since, markers
from chatstore.records.patient import PatientDatabase
from chatstore.records.reading import (
    FirstRecords,
    fetch,
    newest,
    oldest,
    place_at,
    read_head,
    read_page,
)
from chatstore.records.sweeping import sweep

MOST_SEGMENTS = 64
"""In a head; then the shortest neighbours are written anew as one."""

_REMEMBERED_HEADS = 1024


class RecordsChatStore(ChatStore):
    """Keeps conversations in a database that writes several items on a condition.

    A subclass runs the plans; the database is of plans itself.
    """

    patience = 30.0
    """Seconds for which a change is tried again when others were faster."""

    def __init__(
        self,
        database: Database,
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a database.

        Args:
            database: The primitives.
            ttl: Seconds after its last write after which a conversation is gone.
            clock: Returns the time in seconds since 1970; decides what has expired.

        """
        self._database = PatientDatabase(database, self._is_doubtful, self.patience)
        self._ttl = check_ttl(ttl)
        self._clock = clock
        # What a writer saw last: it saves reading the head, and a wrong one does no harm.
        self._heads: dict[str, tuple[Head, str]] = {}
        self._first = FirstRecords()

    def purge_expired(self) -> None:
        """Reclaim the storage of all expired conversations; a write reclaims its own.

        What an ended conversation leaves, a head without messages, goes when it is a day old.
        """
        self._run(self._purge(), "purge_expired")

    async def async_purge_expired(self) -> None:
        """Like `purge_expired`, but awaitable."""
        await self._async_run(self._purge(), "purge_expired")

    # ------------------------------------------------------------------ writing

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Held]]:
        def decide(head: Head, base: Head | None) -> Plan[Decision]:
            held = yield from self._held(key, head, base, records)
            if held is None:
                return Stale(_missing(key))
            if held:
                return Nothing(held, is_of_records=True)
            return Proposal(
                [],
                _appended,
                self._dump(records),
                _marking(head, records),
                is_anew=_marked_elsewhere(base, head, records),
            )

        held: list[Held] = yield from self._change(key, decide)
        return held

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Held]]:
        def decide(head: Head, base: Head | None) -> Plan[Decision]:
            held = yield from self._held(key, head, base, [record])
            if held is None:
                return Stale(_missing(key))
            if held:
                return Nothing(held, is_of_records=True)
            count = head.length
            place = max(0, index + count) if index < 0 else index
            before, behind = cut(head.segments, place)
            tail = [(s, position) for s in behind for position in range(s.first, s.end)]
            bodies = (yield from fetch(self._database, key, tail)) if tail else []
            if None in bodies:
                return Stale(_missing(key))

            def placed(head: Head, segment: Segment) -> Head:
                if not behind:
                    return _appended(head, segment)
                old = tuple((head.generation, moved) for moved in behind)
                kept = head._replace(
                    epoch=new_name(), segments=tuple(before), waiting=(*head.waiting, *old)
                )
                return _appended(kept, segment)

            return Proposal(
                [],
                placed,
                [*self._dump([record]), *map(self._again, bodies)],
                _marking(head, [record]),
                is_anew=_marked_elsewhere(base, head, [record])
                or (base is not None and base.segments != head.segments),
            )

        held: list[Held] = yield from self._change(key, decide)
        return held

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        generation = new_name()

        def placed(head: Head, segment: Segment) -> Head:
            return _appended(emptied(head)._replace(generation=generation), segment)

        def decide(head: Head, _: Head | None) -> Plan[Decision]:
            yield from ()
            marked = _marking(head._replace(generation=generation), records)
            return Proposal(None, placed, self._dump(records), marked)

        yield from self._change(key, decide)

    def _delete(self, key: str) -> Plan[None]:
        def decide(head: Head, _: Head | None) -> Plan[Decision]:
            yield from ()
            return Proposal(None, lambda h, _: emptied(h)) if head.segments else Nothing(None)

        yield from self._change(key, decide, hinted=False)

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        tried: set[str] = set()
        removed: StoredRecord | None = yield from self._change(
            key, lambda head, _: self._removal(key, index, head, tried, force=force)
        )
        remembered = self._heads.get(key)
        if remembered is not None and len(remembered[0].segments) > MOST_SEGMENTS:
            try:
                yield from self._compact(key)
            except Exception as error:
                if not self._is_any_error(error):  # the removal took effect: a later one compacts
                    raise
        return removed

    def _removal(
        self, key: str, index: int, head: Head, tried: set[str], *, force: bool
    ) -> Plan[Decision]:
        count = head.length
        if not -count <= index < count:
            return Nothing(None)
        segment, position = place_at(head, index % count)
        [text] = yield from fetch(self._database, key, [(segment, position)])
        if text is None:
            return Stale(_missing(key, position))
        stored = texts.load(text)
        identity = None
        try:
            identity = codec.decode(key, position, stored.body).id
        except CorruptMessageError as error:
            if not force:
                return Stale(error)
        deletes = [texts.record_id(segment, position, n) for n in range(stored.parts)]
        # Who is staging may have written the marker anew, for a message with the same id.
        if stored.is_marked and identity is not None and not head.staging:
            marker = texts.marker_id(head.generation, identity)
            # It is there, unless two calls fell out over the id: then the first try fails.
            if marker in tried:
                deletes += yield from self._database.read_records(key, [marker])
            else:
                deletes.append(marker)
                tried.add(marker)

        def placed(head: Head, _: Segment) -> Head:
            left = head._replace(segments=without_position(head.segments, position))
            return left if left.segments else emptied(left)

        return Proposal(StoredRecord(position, stored.body), placed, deletes=deletes)

    def _compact(self, key: str) -> Plan[None]:
        """Write the shortest run of neighbouring segments anew, as one."""
        run = MOST_SEGMENTS // 2

        def decide(head: Head, base: Head | None) -> Plan[Decision]:
            if len(head.segments) <= MOST_SEGMENTS:
                return Nothing(None)
            starts = range(len(head.segments) - run + 1)
            start = min(starts, key=lambda at: sum(s.size for s in head.segments[at : at + run]))
            old = head.segments[start : start + run]
            places = [(s, position) for s in old for position in range(s.first, s.end)]
            bodies = yield from fetch(self._database, key, places)
            if None in bodies:
                return Stale(_missing(key))

            def placed(head: Head, segment: Segment) -> Head:
                joined = segment.at(old[0].first)
                return head._replace(
                    epoch=new_name(),
                    segments=(*head.segments[:start], joined, *head.segments[start + run :]),
                    waiting=(*head.waiting, *((head.generation, s) for s in old)),
                )

            return Proposal(
                None,
                placed,
                list(map(self._again, bodies)),
                is_apart=True,
                is_anew=base is not None and base.segments != head.segments,
            )

        yield from self._change(key, decide)

    def _change(self, key: str, decide: Decide, *, hinted: bool = True) -> Plan[Any]:
        change = Change(
            self._database,
            key,
            decide,
            clock=self._clock,
            ttl=self._ttl,
            patience=self.patience,
            is_doubtful=self._is_doubtful,
        )
        hint = self._heads.pop(key, None)
        result, known = yield from change.run(hint if hinted else None)
        if known is not None:
            known = yield from sweep(self._database, key, *known, is_doubtful=self._is_any_error)
        if known is not None:
            self._heads[key] = known
            if len(self._heads) > _REMEMBERED_HEADS:
                self._heads.pop(next(iter(self._heads.copy())), None)
        return result

    def _is_doubtful(self, error: Exception) -> bool:
        ours = error if isinstance(error, ChatStoreError) else self._translate(error)
        return isinstance(ours, StoreUnavailableError)

    def _is_any_error(self, error: Exception) -> bool:
        return isinstance(error, ChatStoreError) or self._translate(error) is not None

    def _held(
        self, key: str, head: Head, base: Head | None, records: Sequence[Record]
    ) -> Plan[list[Held] | None]:
        if base is None or base.generation != head.generation:
            return (yield from find_held(self._database, key, head, records))
        if base.segments == head.segments:
            return []
        # The markers are our own by now: what came meanwhile has to be looked at.
        named = {record.id for record in records if record.is_named}
        return (yield from find_since(self._database, key, head, base.next - 1, named))

    def _dump(self, records: Sequence[Record]) -> list[list[str]]:
        size, weigh = self._database.limits.record_bytes, self._database.weigh
        return [
            texts.dump(record, is_marked=record.is_named, size=size, weigh=weigh)
            for record in records
        ]

    def _again(self, text: str | None) -> list[str]:
        """Return the texts of a record that was read, to be written anew."""
        stored = texts.load(text)
        record = Record("", stored.body, stored.is_marked)
        [again] = self._dump([record])
        return again

    # ------------------------------------------------------------------ reading

    def _count(self, key: str) -> Plan[int]:
        head, _ = yield from read_head(self._database, key)
        return 0 if head is None or head.is_expired(self._clock()) else head.length

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        return read_page(
            self._database,
            key,
            self._clock,
            lambda head: (newest(head, limit, before), oldest(head, leading, None)),
            self._first,
        )

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        return read_page(
            self._database,
            key,
            self._clock,
            lambda head: (oldest(head, limit, after), []),
            self._first,
        )

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        heads, following = yield from self._database.list_heads(prefix, limit, cursor)
        now = self._clock()
        found = ((key, load(text)) for key, text in heads if key.startswith(prefix))
        keys = [key for key, head in found if head.segments and not head.is_expired(now)]
        return KeyPage(keys, following)

    def _purge(self) -> Plan[None]:
        cursor = None
        while True:
            heads, cursor = yield from self._database.list_heads("", 1000, cursor)
            for key, text in heads:
                head = load(text)
                if not head.is_expired(self._clock()):
                    continue
                if head.lifetime is None:
                    yield from self._change(key, _emptying, hinted=False)
                else:
                    yield from self._drop(key)
            if cursor is None:
                return

    def _drop(self, key: str) -> Plan[None]:
        """Delete a head that names nothing, if it is still so."""
        head, version = yield from read_head(self._database, key)
        if head is None or version is None or head.lifetime is None:
            return
        if head.is_expired(self._clock()):
            yield from self._database.delete_head(key, version)


def _emptying(head: Head, _: Head | None) -> Plan[Decision]:
    """Write the head without what has expired, which `Change` takes out of it."""
    yield from ()
    return Nothing(None) if head.segments else Proposal(None, lambda h, _: h)


def _appended(head: Head, segment: Segment) -> Head:
    """Return the head with a segment behind the others."""
    *before, last = head.segments or (None,)
    if last is not None and last.name == segment.name and last.end == segment.first:
        joined = last._replace(end=segment.end)
        return head._replace(next=segment.end, segments=(*before, joined))
    return head._replace(next=segment.end, segments=(*head.segments, segment))


def _marking(head: Head, records: Sequence[Record]) -> Callable[[Segment], dict[str, str]]:
    return lambda segment: markers(head, segment, records)


def _marked_elsewhere(base: Head | None, head: Head, records: Sequence[Record]) -> bool:
    """Whether markers were staged that nobody looks for since the conversation began anew."""
    is_marked = any(record.is_named for record in records)
    return is_marked and base is not None and base.generation != head.generation


def _missing(key: str, position: int = -1) -> Exception:
    return CorruptMessageError("a stored message is missing", key=key, position=position)
