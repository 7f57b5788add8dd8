"""``Appends``: the writes whose effects are the messages themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from chatstore.core.backend import (
    Append,
    Existing,
    Insert,
    MaybeAwaitable,
    Plan,
    Record,
    check_revision,
    now,
)
from chatstore.postgres.batching import NewMessage
from chatstore.postgres.client import Client, Session, transact
from chatstore.postgres.retry import Attempt, Sender
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import Rows
from chatstore.postgres.values import (
    chunks_of,
    columns_of,
    existing_of,
    new_request_id,
    revision_number,
    revision_text,
)

Part = tuple[str, tuple[object, ...]]
"""A statement and its parameters after the key; the last one is the expected revision."""


class Appends:
    """Appends and inserts messages.

    Each message has the id of the request that wrote it. So a repetition finds it, or finds that
    others have removed it since.
    """

    def __init__(self, sender: Sender, ttl: float | None) -> None:
        """Take what sends statements, and the time to live in seconds."""
        self._sender = sender
        self._ttl = ttl

    def append(self, key: str, write: Append) -> Plan[Client, list[Existing]]:
        """See `Backend.append`."""
        name, request_id = key.encode(), new_request_id()
        records, expected = write.records, write.expected_revision
        chunks = [records] if len(records) == 1 else chunks_of(records)
        template, full_template, values = self._append_of(chunks[0], request_id)
        failure, started = None, now()
        if len(chunks) == 1 and expected is None:
            step = self._first_step(template, name, records, request_id, values)
            try:
                rows = yield step
            except Exception as error:  # noqa: BLE001 - raised again unless it can be repeated
                failure = error
            else:
                if rows:
                    if rows[0][0] or monotonic() > self._sender.sweep_at:
                        yield from self._sender.sweep()
                    return []

        def attempt(one: Attempt) -> Plan[Client, list[Existing] | None]:
            if len(chunks) == 1 and not one.is_locked:
                number = revision_number(expected)
                rows = yield from self._sender.send(one, full_template, name, *values, number)
                return (yield from self._read(rows, expected))
            return (yield from self._append_locked(one, name, request_id, chunks, expected))

        return (
            yield from self._sender.write(attempt, release=name, failure=failure, started=started)
        )

    def insert(self, key: str, write: Insert) -> Plan[Client, list[Existing]]:
        """See `Backend.insert`."""
        name, request_id, index = key.encode(), new_request_id(), write.index
        expected = write.expected_revision
        template = statements.INSERT_FROM_START if index >= 0 else statements.INSERT_FROM_END
        distance = index if index >= 0 else -1 - index
        message_id, body = write.record.id.encode(), write.record.body
        values = (self._ttl, distance, message_id, body, request_id, revision_number(expected))

        def attempt(one: Attempt) -> Plan[Client, list[Existing] | None]:
            if not one.is_locked:
                rows = yield from self._sender.send(one, template, name, *values)
                return (yield from self._read(rows, expected))
            parts = [(template, values)]
            return (yield from self._write_locked(one, name, request_id, parts, expected))

        return (yield from self._sender.write(attempt, release=name))

    def _first_step(
        self,
        template: str,
        name: bytes,
        records: Sequence[Record],
        request_id: int,
        values: tuple[object, ...],
    ) -> Callable[[Client], MaybeAwaitable[Rows]]:
        """Return the step that sends the short statement, if possible with other appends."""
        sql = self._sender.render(template)
        if len(records) > 1:
            return lambda client: client.fetch(sql, name, *values)
        batch_sql, record = self._sender.render(statements.APPEND_BATCH), records[0]
        message = NewMessage(
            sql, batch_sql, name, self._ttl, record.id.encode(), record.body, request_id
        )
        return lambda client: client.append(message)

    def _append_of(
        self, records: Sequence[Record], request_id: int
    ) -> tuple[str, str, tuple[object, ...]]:
        """Return the short statement that appends, the full one, and the values of the short."""
        if len(records) == 1:
            record = records[0]
            one = (self._ttl, 1, record.id.encode(), record.body, request_id)
            is_known = record.has_caller_id
            short = statements.APPEND_NEW_ONE if is_known else statements.APPEND_RANDOM_ONE
            return short, statements.APPEND_ONE, one
        many = (self._ttl, len(records), *columns_of(records), request_id)
        return statements.APPEND_NEW_MANY, statements.APPEND_MANY, many

    def _append_locked(
        self,
        one: Attempt,
        name: bytes,
        request_id: int,
        chunks: Sequence[Sequence[Record]],
        expected: str | None,
    ) -> Plan[Client, list[Existing] | None]:
        """Append all in one transaction; only the first statement can expect a revision."""
        parts: list[Part] = []
        for chunk in chunks:
            _, template, values = self._append_of(chunk, request_id)
            parts.append((template, (*values, None if parts else revision_number(expected))))
        ids = [record.id.encode() for chunk in chunks for record in chunk]
        first = ids if len(chunks) > 1 and expected is not None else None
        return (yield from self._write_locked(one, name, request_id, parts, expected, first))

    def _write_locked(
        self,
        one: Attempt,
        name: bytes,
        request_id: int,
        parts: Sequence[Part],
        expected: str | None,
        ids: list[bytes] | None = None,
    ) -> Plan[Client, list[Existing] | None]:
        """Append or insert all in one transaction.

        If an earlier attempt took effect and others have removed its messages, write nothing. If
        there are ``ids``, look for them before anything else.
        """
        sender = self._sender

        def body() -> Plan[Session, list[Existing]]:
            has_begun = one.is_locked and (yield from sender.lock_or_begin(name))
            is_done = False
            if one.is_repeated:
                rows = yield from sender.inside(statements.WAS_REMOVED, name, request_id)
                is_done = rows[0][0]
            if ids is not None and not is_done:
                existing = existing_of((yield from sender.inside(statements.EXISTING, name, ids)))
                if existing:
                    raise _NotWrittenError(existing)
            for template, values in () if is_done else parts:
                rows = yield from sender.inside(template, name, *values)
                if not rows[0][0]:
                    raise _NotWrittenError(_existing_or_conflict(rows, expected))
            if has_begun:
                yield from sender.inside(statements.END_EMPTY, name)
            return []

        try:
            return (yield from transact(body))
        except _NotWrittenError as error:
            return error.existing

    def _read(self, rows: Rows, expected: str | None) -> Plan[Client, list[Existing] | None]:
        """Read the rows of an append; ``None``: nothing was written, and none of the ids exists."""
        is_written, has_garbage = rows[0][:2]
        if not is_written:
            return _existing_or_conflict(rows, expected)
        if has_garbage:
            yield from self._sender.reclaim(has_garbage)
        return []


class _NotWrittenError(Exception):
    """Raised to roll back an append of several statements."""

    def __init__(self, existing: list[Existing] | None) -> None:
        super().__init__()
        self.existing = existing


def _existing_or_conflict(rows: Rows, expected: str | None) -> list[Existing] | None:
    """Return the existing messages of an append that wrote nothing; ``None``: none of them exists.

    Raises:
        RevisionConflictError: None of them exists, and the conversation has another revision.

    """
    existing = existing_of([row[3:] for row in rows])
    if not existing:
        check_revision(expected, revision_text(rows[0][2]))
    return existing or None
