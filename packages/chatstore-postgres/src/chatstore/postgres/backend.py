"""``PostgresBackend``: each operation's statements, and what their rows mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

from chatstore.core import ChatStoreError, CorruptStoreError
from chatstore.core.backend import (
    Append,
    Backend,
    Existing,
    Insert,
    KeyPage,
    Page,
    Plan,
    Record,
    Remove,
    Replace,
    StoredRecord,
    StoredRecords,
    async_run,
    now,
    run,
)
from chatstore.postgres.client import Client, Clients, PooledClients, Session, transact
from chatstore.postgres.errors import ErrorReader
from chatstore.postgres.retry import Attempt, Sender
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import Rows, TableNames
from chatstore.postgres.url import Address

T = TypeVar("T")

CHUNK_CHARACTERS = 16 * 2**20
"""The most characters of bodies in one statement; a value in Postgres has at most 1 GB."""
_LAST_POSITION = 2**63 - 1
_READABLE = '{"v":1,'  # the beginning of bodies that all versions of this package read
_PURGED_MESSAGES = 5000  # the most messages that one statement of `purge_expired` deletes


@dataclass(frozen=True, slots=True)
class Settings:
    """A store's options, checked; see `PostgresChatStore`."""

    table_name: str
    schema_name: str | None
    ttl: float | None
    create: bool
    max_connections: int
    timeout: float
    patience: float


class PostgresBackend(Backend[Client]):
    """Keeps conversations in Postgres.

    An operation is one statement; only what is too large for one is a transaction of several.
    """

    max_message_bytes = 128 * 1024 * 1024

    def __init__(
        self,
        settings: Settings,
        address: Address | None = None,
        *,
        client: object = None,
        async_client: object = None,
    ) -> None:
        """Prepare clients; nothing is sent.

        Args:
            settings: The store's options.
            address: The database; ``None`` if there are engines.
            client: The caller's engine for sync methods.
            async_client: The caller's engine for async methods.

        Raises:
            InvalidArgumentError: A name or an engine is not valid.

        """
        names = TableNames(settings.table_name, settings.schema_name)
        self._clients: Clients
        if address is not None:
            self._clients = PooledClients(address, settings.timeout, settings.max_connections)
            errors = ErrorReader(f"Postgres at {address.label}", address.secrets, settings.timeout)
        else:
            from chatstore.postgres.drivers.engines import EngineClients  # it loads SQLAlchemy

            self._clients = engines = EngineClients(client, async_client)
            errors = ErrorReader(f"Postgres at {engines.address}", engines.secrets, None)
        self._ttl = settings.ttl
        self._sender = Sender(names, errors, patience=settings.patience, create=settings.create)

    @property
    def server(self) -> str:
        """See `Backend.server`."""
        return self._sender.errors.server

    # ------------------------------------------------------------------ running plans

    def run(self, plan: Plan[Client, T]) -> T:
        """See `Backend.run`."""
        return run(plan, self._clients.sync_client)

    async def async_run(self, plan: Plan[Client, T]) -> T:
        """See `Backend.async_run`."""
        return await async_run(plan, self._clients.async_client)

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return self._sender.errors.translate(error)

    def close(self) -> None:
        """See `Backend.close`."""
        self._clients.close()

    async def async_close(self) -> None:
        """See `Backend.async_close`."""
        await self._clients.async_close()

    # ------------------------------------------------------------------ writing

    def append(self, key: str, write: Append) -> Plan[Client, list[Existing]]:
        """See `Backend.append`."""
        name, request_id = key.encode(), _new_request_id()
        records = write.records
        chunks = [records] if len(records) == 1 else _chunks(records)
        template, full_template, values = self._append_of(chunks[0], request_id)
        failure, started = None, now()
        if len(chunks) == 1:
            sql = self._sender.render(template)
            try:
                rows = yield lambda client: client.fetch(sql, name, *values)
            except Exception as error:  # noqa: BLE001 - raised again unless it can be repeated
                failure = error
            else:
                if rows:
                    if rows[0][0] or monotonic() > self._sender.sweep_at:
                        yield from self._sender.sweep()
                    return []

        def attempt(one: Attempt) -> Plan[Client, list[Existing] | None]:
            if len(chunks) == 1 and not one.is_locked:
                rows = yield from self._sender.send(one, full_template, name, *values)
                return (yield from self._read_append(rows))
            parts = [self._append_of(chunk, request_id)[1:] for chunk in chunks]
            return (yield from self._append_locked(one, name, request_id, parts))

        return (
            yield from self._sender.write(attempt, release=name, failure=failure, started=started)
        )

    def insert(self, key: str, write: Insert) -> Plan[Client, list[Existing]]:
        """See `Backend.insert`."""
        name, request_id, index = key.encode(), _new_request_id(), write.index
        template = statements.INSERT_FROM_START if index >= 0 else statements.INSERT_FROM_END
        message_id, body = write.record.id.encode(), write.record.body
        values = (self._ttl, _distance(index), message_id, body, request_id)

        def attempt(one: Attempt) -> Plan[Client, list[Existing] | None]:
            if not one.is_locked:
                rows = yield from self._sender.send(one, template, name, *values)
                return (yield from self._read_append(rows))
            return (yield from self._append_locked(one, name, request_id, [(template, values)]))

        return (yield from self._sender.write(attempt, release=name))

    def replace(self, key: str, write: Replace) -> Plan[Client, None]:
        """See `Backend.replace`."""
        name = key.encode()
        chunks = _chunks(write.records)
        values = (self._ttl, uuid4(), len(write.records), *_columns(chunks[0]))
        sender = self._sender

        def in_transaction() -> Plan[Session, Rows]:
            has_begun = yield from sender.lock_or_begin(name)
            rows = yield from sender.inside(statements.REPLACE, name, *values)
            is_done_now, start = rows[0][2], len(chunks[0])
            for chunk in chunks[1:] if is_done_now else ():
                yield from sender.inside(statements.FILL, name, start, *_columns(chunk))
                start += len(chunk)
            if has_begun:
                yield from sender.inside(statements.END_EMPTY, name)
            return rows

        def attempt(one: Attempt) -> Plan[Client, bool | None]:
            if one.is_locked or len(chunks) > 1:
                rows = yield from transact(in_transaction)
            else:
                rows = yield from sender.send(one, statements.REPLACE, name, *values)
            return (yield from self._read_effect(rows))

        yield from sender.write(attempt)

    def delete(self, key: str) -> Plan[Client, None]:
        """See `Backend.delete`; an expired conversation is deleted, too."""
        name, values = key.encode(), (self._ttl, uuid4())

        def attempt(one: Attempt) -> Plan[Client, bool | None]:
            rows = yield from self._sender.send(one, statements.DELETE, name, *values)
            return (yield from self._read_effect(rows))

        yield from self._sender.write(attempt)

    def remove(self, key: str, write: Remove) -> Plan[Client, StoredRecord | None]:
        """See `Backend.remove`; only a record whose body has changed is checked."""
        name, index = key.encode(), write.index
        template = statements.REMOVE_FROM_START if index >= 0 else statements.REMOVE_FROM_END
        values = (self._ttl, uuid4(), _distance(index), _READABLE)
        checked: list[int] = []  # positions of records that the server could not check

        def attempt(one: Attempt) -> Plan[Client, tuple[StoredRecord | None] | None]:
            position = checked[-1] if checked else None
            rows = yield from self._sender.send(one, template, name, *values, position)
            if not rows:
                return (None,)
            is_removed, has_garbage, is_readable, position, body = rows[0]
            record = StoredRecord(position, body)
            if is_removed:
                yield from self._sender.reclaim(has_garbage)
                return (record,)
            if not is_readable:
                write.check(record)
                checked.append(position)
            return None

        (removed,) = yield from self._sender.write(attempt)
        return removed

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[Client, int]:
        """See `Backend.count`."""
        rows = yield from self._sender.fetch(statements.COUNT, key.encode())
        length = int(rows[0][0]) if rows else 0
        if length < 0:
            raise CorruptStoreError(f"{self.server}: a conversation has a negative length")
        return length

    def read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Client, Page]:
        """See `Backend.read_newest`."""
        end = _LAST_POSITION if before is None else before
        template, values = statements.NEWEST, [key.encode(), end, limit]
        if leading:
            template = statements.NEWEST_AND_LEADING
            values.append(leading)
        return _page((yield from self._sender.fetch(template, *values)))

    def read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Client, Page]:
        """See `Backend.read_oldest`."""
        start = -1 if after is None else after
        rows = yield from self._sender.fetch(statements.OLDEST, key.encode(), start, limit)
        return _page(rows)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Client, KeyPage]:
        """See `Backend.list_keys`; the keys are in the order of their bytes."""
        start = prefix.encode()
        end = start + b"\xff"  # UTF-8 does not contain the byte 255
        rows = yield from self._sender.fetch(statements.KEYS, start, cursor or b"", end, limit)
        names = [bytes(row[0]) for row in rows]
        keys = [_decoded(name, "key") for name in names]
        return KeyPage(keys, names[-1] if len(names) == limit else None)

    # ------------------------------------------------------------------ maintenance

    def setup(self) -> Plan[Client, None]:
        """See `Backend.setup`."""
        return self._sender.setup()

    def purge_expired(self) -> Plan[Client, bool]:
        """See `Backend.purge_expired`."""
        rows = yield from self._sender.fetch(statements.PURGE, _PURGED_MESSAGES)
        return bool(rows[0][0])

    # ------------------------------------------------------------------ parts of writes

    def _append_of(
        self, records: Sequence[Record], request_id: int
    ) -> tuple[str, str, tuple[object, ...]]:
        """Return the short statement that appends, the full one, and their values."""
        if len(records) == 1:
            record = records[0]
            one = (self._ttl, 1, record.id.encode(), record.body, request_id)
            return statements.APPEND_NEW_ONE, statements.APPEND_ONE, one
        many = (self._ttl, len(records), *_columns(records), request_id)
        return statements.APPEND_NEW_MANY, statements.APPEND_MANY, many

    def _append_locked(
        self,
        one: Attempt,
        name: bytes,
        request_id: int,
        parts: Sequence[tuple[str, tuple[object, ...]]],
    ) -> Plan[Client, list[Existing] | None]:
        """Append or insert all in one transaction.

        If an earlier attempt took effect and others have removed its messages, write nothing.
        """
        sender = self._sender

        def body() -> Plan[Session, list[Existing]]:
            has_begun = one.is_locked and (yield from sender.lock_or_begin(name))
            is_done = False
            if one.is_repeated:
                rows = yield from sender.inside(statements.WAS_REMOVED, name, request_id)
                is_done = rows[0][0]
            for template, values in () if is_done else parts:
                rows = yield from sender.inside(template, name, *values)
                if not rows[0][0]:
                    raise _NotWrittenError(_existing(rows) or None)
            if has_begun:
                yield from sender.inside(statements.END_EMPTY, name)
            return []

        try:
            return (yield from transact(body))
        except _NotWrittenError as error:
            return error.existing

    def _read_append(self, rows: Rows) -> Plan[Client, list[Existing] | None]:
        """Read the rows of an append; ``None``: nothing was written, and none of the ids exists."""
        is_written, has_garbage = rows[0][:2]
        if not is_written:
            return _existing(rows) or None
        if has_garbage:
            yield from self._sender.reclaim(has_garbage)
        return []

    def _read_effect(self, rows: Rows) -> Plan[Client, bool | None]:
        """Read the row of a recorded write; ``None``: it had no effect."""
        is_done, has_garbage = rows[0][:2]
        if not is_done:
            return None
        yield from self._sender.reclaim(has_garbage)
        return True


class _NotWrittenError(Exception):
    """Raised to roll back an append of several statements."""

    def __init__(self, existing: list[Existing] | None) -> None:
        super().__init__()
        self.existing = existing


def _new_request_id() -> int:
    """Return a unique number; a program that seeds the global generator does not affect it."""
    return int.from_bytes(os.urandom(8), "big", signed=True)


def _existing(rows: Rows) -> list[Existing]:
    return [Existing(_decoded(row[2], "message id"), row[3]) for row in rows if row[2] is not None]


def _decoded(stored: Any, what: str) -> str:
    try:
        return bytes(stored).decode()
    except UnicodeDecodeError:
        pass
    raise CorruptStoreError(f"a stored {what} is not UTF-8")  # the codec's error quotes the bytes


def _distance(index: int) -> int:
    """Return how many messages come before an index, or after a negative one."""
    return index if index >= 0 else -1 - index


def _chunks(records: Sequence[Record]) -> list[Sequence[Record]]:
    """Divide records into parts that fit into one statement each."""
    chunks: list[Sequence[Record]] = []
    start = size = 0
    for number, record in enumerate(records):
        size += len(record.body)
        if number > start and size > CHUNK_CHARACTERS:
            chunks.append(records[start:number])
            start, size = number, len(record.body)
    return [*chunks, records[start:]]


def _columns(records: Sequence[Record]) -> tuple[list[bytes], str]:
    """Return the ids, and the bodies as lines: JSON as core writes it has no line breaks."""
    return [record.id.encode() for record in records], "\n".join([r.body for r in records])


def _page(rows: Rows) -> Page:
    if not rows:
        return Page(None, [])
    # They come in the index's order, but SQL does not guarantee it for a join.
    ordered = sorted([row[2:] for row in rows if row[2] is not None], key=itemgetter(0))
    epoch = (rows[0][0], rows[0][1])
    leading = [row for row in ordered if row[2]]
    if not leading:
        return Page(epoch, StoredRecords.from_rows(ordered))
    newest = [row for row in ordered if not row[2]]
    return Page(epoch, StoredRecords.from_rows(newest), StoredRecords.from_rows(leading))
