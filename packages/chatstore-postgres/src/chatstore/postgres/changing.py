"""``Changes``: the writes that change or delete messages, recorded under their request ids."""

from __future__ import annotations

from chatstore.core.backend import (
    Delete,
    Plan,
    Put,
    Remove,
    Replace,
    StoredRecord,
    Truncate,
    check_revision,
)
from chatstore.postgres.client import Client, Session, transact
from chatstore.postgres.retry import Attempt, Sender
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import Rows
from chatstore.postgres.values import (
    chunks_of,
    columns_of,
    new_request,
    revision_number,
    revision_text,
)

_READABLE = '{"v":1,'  # the beginning of bodies that all versions of this package read


class Changes:
    """Changes and deletes messages, and deletes conversations."""

    def __init__(self, sender: Sender, ttl: float | None) -> None:
        """Take what sends statements, and the time to live in seconds."""
        self._sender = sender
        self._ttl = ttl

    def put(self, key: str, write: Put) -> Plan[Client, None]:
        """See `Backend.put`."""
        name, record, expected = key.encode(), write.record, write.expected_revision
        values = self._values(expected, record.id.encode(), record.body, write.moves_to_end)

        def attempt(one: Attempt) -> Plan[Client, bool | None]:
            rows = yield from self._sender.send(one, statements.PUT, name, *values)
            return (yield from self._read(rows, expected))

        yield from self._sender.write(attempt, release=name)

    def replace(self, key: str, write: Replace) -> Plan[Client, None]:
        """See `Backend.replace`."""
        name, sender, expected = key.encode(), self._sender, write.expected_revision
        chunks = chunks_of(write.records)
        values = self._values(expected, len(write.records), *columns_of(chunks[0]))

        def in_transaction() -> Plan[Session, Rows]:
            has_begun = yield from sender.lock_or_begin(name)
            rows = yield from sender.inside(statements.REPLACE, name, *values)
            if rows[0][0]:
                yield from sender.fill(name, chunks if rows[0][3] else ())
            else:
                check_revision(expected, revision_text(rows[0][2]))
            if has_begun:
                yield from sender.inside(statements.END_EMPTY, name)
            return rows

        def attempt(one: Attempt) -> Plan[Client, bool | None]:
            if one.is_locked or len(chunks) > 1:
                rows = yield from transact(in_transaction)
            else:
                rows = yield from sender.send(one, statements.REPLACE, name, *values)
            return (yield from self._read(rows, expected))

        yield from sender.write(attempt)

    def remove(self, key: str, write: Remove) -> Plan[Client, StoredRecord | None]:
        """See `Backend.remove`; only a record whose body has changed is checked."""
        name, expected = key.encode(), write.expected_revision
        template, target = _find(write.target)
        values = self._values(expected, target, _READABLE)
        checked: list[int] = []  # positions of records that the server could not check

        def attempt(one: Attempt) -> Plan[Client, tuple[StoredRecord | None] | None]:
            position = checked[-1] if checked else None
            rows = yield from self._sender.send(one, template, name, *values, position)
            is_removed, has_garbage, is_readable, position, body, revision = rows[0]
            if is_removed:
                yield from self._sender.reclaim(has_garbage)
                return (StoredRecord(position, body),)
            check_revision(expected, revision_text(revision))
            if position is None:
                return (None,)
            if not is_readable:
                write.check(StoredRecord(position, body))
                checked.append(position)
            return None

        (removed,) = yield from self._sender.write(attempt)
        return removed

    def truncate(self, key: str, write: Truncate) -> Plan[Client, int]:
        """See `Backend.truncate`."""
        name, expected = key.encode(), write.expected_revision
        values = self._values(expected, write.from_id.encode())

        def attempt(one: Attempt) -> Plan[Client, int | None]:
            rows = yield from self._sender.send(one, statements.TRUNCATE, name, *values)
            if not (yield from self._read(rows, expected)):
                has_message = rows[0][3]
                return None if has_message else 0
            return int(rows[0][4])

        return (yield from self._sender.write(attempt))

    def delete(self, key: str, write: Delete) -> Plan[Client, None]:
        """See `Backend.delete`; an expired conversation is deleted, too."""
        name, expected = key.encode(), write.expected_revision
        values = (self._ttl, new_request().id, revision_number(expected))

        def attempt(one: Attempt) -> Plan[Client, bool | None]:
            rows = yield from self._sender.send(one, statements.DELETE, name, *values)
            return (yield from self._read(rows, expected))

        yield from self._sender.write(attempt)

    def _values(self, expected_revision: str | None, *values: object) -> tuple[object, ...]:
        """Return the parameters of a statement after the key."""
        return (self._ttl, *new_request(), revision_number(expected_revision), *values)

    def _read(self, rows: Rows, expected: str | None) -> Plan[Client, bool | None]:
        """Read the row of a write; ``None``: it had no effect, and the revision is as expected."""
        is_done, has_garbage, revision = rows[0][:3]
        if not is_done:
            check_revision(expected, revision_text(revision))
            return None
        yield from self._sender.reclaim(has_garbage)
        return True


def _find(target: int | str) -> tuple[str, object]:
    """Return the statement that removes a message, and the parameter that finds it."""
    if isinstance(target, str):
        return statements.REMOVE_BY_ID, target.encode()
    if target >= 0:
        return statements.REMOVE_FROM_START, target
    return statements.REMOVE_FROM_END, -1 - target
