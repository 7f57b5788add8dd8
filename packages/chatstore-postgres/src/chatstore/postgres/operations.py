"""What each operation sends, and what it makes of the answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import itemgetter
from typing import Any
from uuid import uuid4

from chatstore.core import CorruptStoreError, codec
from chatstore.core.backend import (
    Existing,
    KeyPage,
    Page,
    Plan,
    Record,
    StoredRecord,
    StoredRecords,
)
from chatstore.postgres import appends, reads, retrying, writes
from chatstore.postgres.calls import Calls, Try
from chatstore.postgres.names import Rows

CHUNK_CHARACTERS = 16 * 2**20
"""The most characters of bodies in one statement; a value in Postgres ends at 1 GB."""

_FARTHEST = 2**63 - 1
_READABLE = f'{{"v":{codec.VERSION},'  # what a body begins with that this version reads


class _NotWrittenError(Exception):
    """Raised to roll back a transaction that appends, since it must not."""

    def __init__(self, held: list[Existing] | None) -> None:
        super().__init__()
        self.held = held


def append(calls: Calls, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
    """Append records, or return those that are held."""
    name, request = key.encode(), _new_request()
    chunks = _chunks(records)
    short, full, values = _append_of(calls, name, chunks[0], request)
    failure, started = None, retrying.now()
    if len(chunks) == 1:
        try:
            rows = yield from calls.send(short, *values)
        except Exception as error:  # noqa: BLE001 - `until_done` raises what it cannot mend
            failure = error
        else:
            if rows:
                yield from calls.reclaim(rows[0][0])
                return []

    def attempt(one: Try) -> Plan[list[Existing] | None]:
        if len(chunks) == 1 and not one.is_locked:
            return (yield from _answer(calls, (yield from calls.send(full, *values))))
        parts = [_append_of(calls, name, chunk, request)[1:] for chunk in chunks]
        return (yield from _append_locked(calls, one, name, request, parts))

    return (yield from calls.until_done(attempt, name, failure=failure, started=started))


def insert(calls: Calls, key: str, index: int, record: Record) -> Plan[list[Existing]]:
    """Insert a record before an index, or return it if it is held."""
    name, request = key.encode(), _new_request()
    template = writes.INSERT_FROM_START if index >= 0 else writes.INSERT_FROM_END
    values = (name, calls.ttl, _skipped(index), record.id.encode(), record.body, request)

    def attempt(one: Try) -> Plan[list[Existing] | None]:
        if not one.is_locked:
            return (yield from _answer(calls, (yield from calls.send(template, *values))))
        return (yield from _append_locked(calls, one, name, request, [(template, values)]))

    return (yield from calls.until_done(attempt, name))


def replace(calls: Calls, key: str, records: Sequence[Record]) -> Plan[None]:
    """Make a new conversation under the key."""
    name = key.encode()
    chunks = _chunks(records)
    first = (name, calls.ttl, uuid4(), len(records), *_columns(chunks[0]))

    def in_chunks() -> Plan[Rows]:
        begun = yield from calls.lock(name, begins=True)
        rows = yield from calls.inside(writes.REPLACE, *first)
        is_done_now, start = rows[0][2], len(chunks[0])
        for chunk in chunks[1:] if is_done_now else ():
            yield from calls.inside(writes.FILL, name, start, *_columns(chunk))
            start += len(chunk)
        if begun:
            yield from calls.inside(writes.END_EMPTY, name)
        return rows

    def attempt(one: Try) -> Plan[bool | None]:
        if one.is_locked or len(chunks) > 1:
            rows = yield from calls.transact(in_chunks)
        else:
            rows = yield from calls.send(writes.REPLACE, *first)
        return (yield from _done(calls, rows))

    yield from calls.until_done(attempt)


def delete(calls: Calls, key: str) -> Plan[None]:
    """Delete a conversation with all its messages, whether it has expired or not."""
    values = (key.encode(), calls.ttl, uuid4())

    def attempt(one: Try) -> Plan[bool | None]:
        rows = yield from calls.change(one, writes.DELETE, *values)
        return (yield from _done(calls, rows))

    yield from calls.until_done(attempt)


def remove(calls: Calls, key: str, index: int, *, force: bool) -> Plan[StoredRecord | None]:
    """Remove one record, if it can be read."""
    template = writes.REMOVE_FROM_START if index >= 0 else writes.REMOVE_FROM_END
    values = (key.encode(), calls.ttl, uuid4(), _skipped(index), _READABLE)
    read: list[int] = []  # positions of records that the server could not judge

    def attempt(one: Try) -> Plan[tuple[StoredRecord | None] | None]:
        position = read[-1] if read else None
        rows = yield from calls.change(one, template, *values, position)
        if not rows:
            return (None,)
        is_removed, is_garbage, is_sure, position, body = rows[0]
        if is_removed:
            yield from calls.reclaim(is_garbage)
            return (StoredRecord(position, body),)
        if not is_sure:
            if not force:
                codec.decode(key, position, body)
            read.append(position)
        return None

    (removed,) = yield from calls.until_done(attempt)
    return removed


def count(calls: Calls, key: str) -> Plan[int]:
    """Return the length that the head tells."""
    rows = yield from calls.fetch(reads.COUNT, key.encode())
    length = int(rows[0][0]) if rows else 0
    if length < 0:
        raise CorruptStoreError(
            f"Postgres at {calls.errors.place}: a conversation has a negative length"
        )
    return length


def read_newest(
    calls: Calls, key: str, limit: int | None, before: int | None, leading: int
) -> Plan[Page]:
    """Read the newest records before a position, and the first ones."""
    end = _FARTHEST if before is None else before
    if leading:
        rows = yield from calls.fetch(reads.NEWEST_AND_FIRST, key.encode(), end, limit, leading)
    else:
        rows = yield from calls.fetch(reads.NEWEST, key.encode(), end, limit)
    return _page(rows)


def read_oldest(calls: Calls, key: str, limit: int, after: int | None) -> Plan[Page]:
    """Read the oldest records after a position."""
    start = -1 if after is None else after
    return _page((yield from calls.fetch(reads.OLDEST, key.encode(), start, limit)))


def list_keys(calls: Calls, prefix: str, limit: int, cursor: bytes | None) -> Plan[KeyPage]:
    """Read keys in the order of their bytes."""
    start = prefix.encode()
    # No byte of UTF-8 is 255, so nothing with the prefix is beyond this.
    beyond = start + b"\xff"
    rows = yield from calls.fetch(reads.KEYS, start, cursor or b"", beyond, limit)
    names = [bytes(row[0]) for row in rows]
    keys = [_text(name, "key") for name in names]
    return KeyPage(keys, names[-1] if len(names) == limit else None)


def _new_request() -> int:
    """Return what tells an append from all others; no program can seed where it comes from."""
    return int.from_bytes(os.urandom(8), "big", signed=True)


def _append_of(
    calls: Calls, name: bytes, records: Sequence[Record], request: int
) -> tuple[str, str, tuple[Any, ...]]:
    """Return the short statement that appends, the full one, and their parameters."""
    if len(records) == 1:
        record = records[0]
        one = (name, calls.ttl, 1, record.id.encode(), record.body, request)
        return appends.SHORT_ONE, appends.APPEND_ONE, one
    many = (name, calls.ttl, len(records), *_columns(records), request)
    return appends.SHORT_MANY, appends.APPEND_MANY, many


def _append_locked(
    calls: Calls,
    one: Try,
    name: bytes,
    request: int,
    parts: Sequence[tuple[str, tuple[Any, ...]]],
) -> Plan[list[Existing] | None]:
    """Append or insert all in one transaction, unless an earlier try did and others removed it."""

    def inside() -> Plan[list[Existing]]:
        begun = one.is_locked and (yield from calls.lock(name, begins=True))
        is_done = False
        if one.is_repeated:
            rows = yield from calls.inside(appends.WAS_REMOVED, name, request)
            is_done = rows[0][0]
        for template, values in () if is_done else parts:
            rows = yield from calls.inside(template, *values)
            if not rows[0][0]:
                raise _NotWrittenError(_held(rows) or None)
        if begun:
            yield from calls.inside(writes.END_EMPTY, name)
        return []

    try:
        return (yield from calls.transact(inside))
    except _NotWrittenError as error:  # and what was written before it is rolled back
        return error.held


def _answer(calls: Calls, rows: Rows) -> Plan[list[Existing] | None]:
    """Read what an append or insert answers; ``None``: not written, and nothing is held."""
    is_written, is_garbage = rows[0][:2]
    if not is_written:
        return _held(rows) or None
    if is_garbage:
        yield from calls.reclaim(is_garbage)
    return []


def _held(rows: Rows) -> list[Existing]:
    return [Existing(_text(row[2], "message id"), row[3]) for row in rows if row[2] is not None]


def _text(stored: Any, what: str) -> str:
    try:
        return bytes(stored).decode()
    except UnicodeDecodeError:
        message = f"a stored {what} is not UTF-8"
    raise CorruptStoreError(message)  # outside: the codec's error quotes the bytes


def _done(calls: Calls, rows: Rows) -> Plan[bool | None]:
    """Read what a call answers whose effect is noted; ``None``: it was not done."""
    is_done, is_garbage = rows[0][:2]
    if not is_done:
        return None
    yield from calls.reclaim(is_garbage)
    return True


def _skipped(index: int) -> int:
    """Return how many messages come before an index, or after a negative one."""
    return index if index >= 0 else -1 - index


def _chunks(records: Sequence[Record]) -> list[list[Record]]:
    """Return the records in parts that fit into one statement each."""
    chunks: list[list[Record]] = [[]]
    size = 0
    for record in records:
        size += len(record.body)
        if chunks[-1] and size > CHUNK_CHARACTERS:
            chunks.append([])
            size = len(record.body)
        chunks[-1].append(record)
    return chunks


def _columns(records: Sequence[Record]) -> tuple[list[bytes], str]:
    """Return the ids, and the bodies as lines of a text: JSON as we write it has no line breaks."""
    return [record.id.encode() for record in records], "\n".join([r.body for r in records])


def _page(rows: Rows) -> Page:
    """Sort the rows of a read into a page."""
    if not rows:
        return Page(None, [])
    # They come in the index's order, which SQL does not promise of a join.
    placed = sorted([row[2:] for row in rows if row[2] is not None], key=itemgetter(0))
    leading = [row for row in placed if row[2]]
    found = [row for row in placed if not row[2]] if leading else placed
    return Page(
        (rows[0][0], rows[0][1]), StoredRecords.from_rows(found), StoredRecords.from_rows(leading)
    )
