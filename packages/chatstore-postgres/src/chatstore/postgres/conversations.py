"""``Conversations``: creates, changes, reads and lists conversations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    Create,
    KeyPage,
    OwnedPage,
    Plan,
    StoredConversation,
    Update,
    check_revision,
)
from chatstore.postgres.client import Client, Session, transact
from chatstore.postgres.retry import Attempt, Sender
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import Rows
from chatstore.postgres.values import (
    chunks_of,
    columns_of,
    conversation_after,
    conversation_of,
    decoded,
    new_request,
    record_columns,
    revision_number,
    revision_text,
)

_LAST_ID = 2**63 - 1

Result = tuple[StoredConversation | None]
"""The outcome of an attempt, which may be that there is not a conversation to return."""


class Conversations:
    """Creates, changes, reads and lists conversations."""

    def __init__(self, sender: Sender, ttl: float | None) -> None:
        """Take what sends statements, and the time to live in seconds."""
        self._sender = sender
        self._ttl = ttl

    def create(self, key: str, write: Create) -> Plan[Client, StoredConversation | None]:
        """See `Backend.create`."""
        name, sender, request = key.encode(), self._sender, new_request()
        record, chunks = write.record, chunks_of(write.records)
        size = len(write.records)
        columns = (*record_columns(record), record.is_created, size, *columns_of(chunks[0]))
        values = (self._ttl, *request, *columns)

        def in_transaction() -> Plan[Session, Rows]:
            rows = yield from sender.inside(statements.CREATE, name, *values)
            is_created_now = rows[0][4]
            yield from sender.fill(name, chunks if is_created_now else ())
            return rows

        def attempt(one: Attempt) -> Plan[Client, Result | None]:
            if len(chunks) > 1:
                rows = yield from transact(in_transaction)
            else:
                rows = yield from sender.send(one, statements.CREATE, name, *values)
            is_done, has_garbage, effect, exists = rows[0][:4]
            if not is_done:
                return (None,) if exists else None
            yield from sender.reclaim(has_garbage)
            return (conversation_after(record, effect, request.revision),)

        (created,) = yield from sender.write(attempt, release=name)
        return created

    def update(self, key: str, write: Update) -> Plan[Client, StoredConversation | None]:
        """See `Backend.update`."""
        name, sender, request = key.encode(), self._sender, new_request()
        before, after, expected = write.before, write.after, write.expected_revision
        columns = (*record_columns(before), before.is_created)
        columns = (*columns, *record_columns(after), after.is_created)
        values = (self._ttl, *request, revision_number(expected), *columns)

        def attempt(one: Attempt) -> Plan[Client, Result | None]:
            rows = yield from sender.send(one, statements.UPDATE, name, *values)
            is_done, has_garbage, effect, has_record, revision = rows[0]
            if is_done:
                yield from sender.reclaim(has_garbage)
                return (conversation_after(after, effect, request.revision),)
            if not has_record:
                return (None,)
            check_revision(expected, revision_text(revision))
            return None

        (updated,) = yield from sender.write(attempt)
        return updated

    def read(self, keys: Sequence[str]) -> Plan[Client, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        if not keys:
            return []
        names = [key.encode() for key in keys]
        rows = yield from self._sender.fetch(statements.CONVERSATIONS, names)
        stored = {bytes(row[0]): conversation_of(row[1:]) for row in rows}
        return [stored.get(name) for name in names]

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[Client, OwnedPage]:
        """See `Backend.list_owned`; the cursor is the time and the row's id of the last one."""
        time, row_id = _checked_cursor(cursor)
        rows = yield from self._sender.fetch(
            statements.OWNED, owner.encode(), time, row_id, limit + 1
        )
        page = [(decoded(row[0], "key"), conversation_of(row[2:])) for row in rows[:limit]]
        if len(rows) <= limit:
            return OwnedPage(page, None)
        return OwnedPage(page, [page[-1][1].updated_at, rows[limit - 1][1]])

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Client, KeyPage]:
        """See `Backend.list_keys`; the keys are in the order of their bytes."""
        start = prefix.encode()
        end = start + b"\xff"  # UTF-8 does not contain the byte 255
        after = b"" if cursor is None else _checked_key(cursor)
        rows = yield from self._sender.fetch(statements.KEYS, start, after, end, limit)
        keys = [decoded(row[0], "key") for row in rows]
        return KeyPage(keys, keys[-1] if len(keys) == limit else None)


def _checked_cursor(cursor: Any | None) -> tuple[float, int]:
    if cursor is None:
        return math.inf, _LAST_ID
    try:
        time, row_id = cursor
    except (TypeError, ValueError):
        time = row_id = None
    if isinstance(time, float) and isinstance(row_id, int) and abs(row_id) <= _LAST_ID:
        return time, row_id
    raise _invalid_cursor()


def _checked_key(cursor: Any) -> bytes:
    if isinstance(cursor, str):
        try:
            return cursor.encode()
        except UnicodeEncodeError:
            pass
    raise _invalid_cursor()


def _invalid_cursor() -> InvalidArgumentError:
    return InvalidArgumentError("this is not a cursor: pass the cursor of the page before")
