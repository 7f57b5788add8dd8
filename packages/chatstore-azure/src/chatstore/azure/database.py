"""The primitives of ``chatstore.conditional`` on one table: a partition is a conversation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from chatstore.azure import batches
from chatstore.azure.errors import code_of, is_busy, status_of
from chatstore.azure.names import decode, encode, partition_filter
from chatstore.azure.queries import Entity, Found, next_page
from chatstore.azure.sizes import (
    MAX_BATCH_BYTES,
    MAX_BATCH_OPERATIONS,
    MAX_RECORD_BYTES,
    pieces,
)
from chatstore.conditional import Limits
from chatstore.conditional.azure_core.repeating import repeated
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Plan, Step, call

_HEAD = "head"
_RECORD = "r"
_BODY = "Body"
_PAGE = 1000
_MISSING = 404
_REFUSED = {_MISSING, 409, 412}
_NO_ENTITY = {"ResourceNotFound", "EntityNotFound"}


class AzureDatabase:
    """Heads and records as entities of one table."""

    limits = Limits(
        operations=MAX_BATCH_OPERATIONS,
        commit_bytes=MAX_BATCH_BYTES,
        record_bytes=MAX_RECORD_BYTES,
    )

    def __init__(self, server: str) -> None:
        """Take the name of the table for messages."""
        self._server = server

    def weigh(self, body: str) -> int:
        """Return the bytes that an entity with this body has, stored or sent, at most."""
        return batches.weight(body)

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """Return the head and its etag, as they are now; ``None``: there is no head."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        try:
            entity = yield from self._ask(
                lambda client: client.get_entity(encode(key), _HEAD, retry_total=0)
            )
        except ResourceNotFoundError as error:
            if code_of(error) not in _NO_ENTITY:  # no table, or another server's page
                raise
            return None
        return self._body(entity), entity.metadata["etag"]

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """Return the records of these ids that exist, as they are now."""
        wanted = {_RECORD + record_id for record_id in ids}
        found: dict[str, str] = {}
        for low, high in _ranges(sorted(wanted)):
            query = _rows(key, low, high)
            entities = yield from self._query(query)
            for entity in entities:
                if entity["RowKey"] in wanted:
                    # The reader reports a record without a text.
                    found[entity["RowKey"][len(_RECORD) :]] = _text(entity) or ""
        return found

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,  # noqa: ARG002 - tables delete nothing by themselves
    ) -> Plan[str | None]:
        """Write all if the head's etag is the expected one; return the new one, or ``None``."""
        entity = _entity(key, _HEAD, head)
        first = batches.create(entity) if expected is None else batches.replace(entity, expected)
        operations = [
            first,
            *(batches.put(_entity(key, _RECORD + name, body)) for name, body in puts.items()),
            *(batches.delete(_place(key, _RECORD + name)) for name in deletes),
        ]
        # Sent once, so that a refusal is never about what an earlier sending wrote.
        done = yield from _conditional(operations)
        etag: str | None = None if done is None else done[0]["etag"]
        return etag

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """Delete the head, if its etag is the expected one."""
        yield from _conditional([batches.delete(_place(key, _HEAD), expected)])

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """Write records, in no order and not at one moment."""
        operations = [batches.put(_entity(key, _RECORD + n, body)) for n, body in puts.items()]
        for batch in batches.packed(operations):
            yield from self._ask(_submitting(batch))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """Delete records, where there are any.

        A batch fails as a whole where a record is missing, so that it is asked first which there
        are; others may discard the same ones meanwhile.
        """
        from azure.data.tables import TableTransactionError  # noqa: PLC0415

        wanted = {_RECORD + record_id for record_id in ids}
        for low, high in _ranges(sorted(wanted)):
            for last in (False, False, True):
                entities = yield from self._query(_rows(key, low, high), ["PartitionKey", "RowKey"])
                places = [_place(key, e["RowKey"]) for e in entities if e["RowKey"] in wanted]
                try:
                    for batch in batches.packed(map(batches.delete, places)):
                        yield from self._ask(_submitting(batch))
                except TableTransactionError as error:
                    if status_of(error) != _MISSING or last:
                        raise
                else:
                    break

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[tuple[list[tuple[str, str]], Any | None]]:
        """Return keys and heads: a page may be empty and not the last."""
        query = f"RowKey eq '{_HEAD}'"
        if prefix:
            query = f"{partition_filter(prefix)} and {query}"
        size = min(limit, _PAGE)
        found: Found = yield from self._ask(
            lambda client: next_page(client, query, select=None, size=size, token=cursor)
        )
        return [(self._key(e), self._body(e)) for e in found.entities], found.token

    def sleep(self, seconds: float) -> Plan[None]:
        """Wait."""
        yield from call(lambda client: _pause(client, seconds))

    def _query(self, query: str, select: list[str] | None = None) -> Plan[list[Entity]]:
        """Return all entities of a query."""
        entities: list[Entity] = []
        token: Any = None
        while True:
            found: Found = yield from self._ask(_asking(query, select, token))
            entities += found.entities
            token = found.token
            if token is None:
                return entities

    def _ask(self, step: Step) -> Plan[Any]:
        return repeated(lambda: call(step), is_busy=is_busy, sleep=self.sleep, server=self._server)

    def _key(self, entity: Entity) -> str:
        try:
            return decode(str(entity["PartitionKey"]))
        except ValueError:
            raise self._foreign() from None

    def _body(self, entity: Entity) -> str:
        body = _text(entity)
        if body is None:
            raise self._foreign()
        return body

    def _foreign(self) -> CorruptStoreError:
        message = (
            f"{self._server}: an entity with the row key {_HEAD!r} is not the head of a "
            "conversation; something else wrote it: restore or delete it, or use another table"
        )
        return CorruptStoreError(message)


def _conditional(operations: list[batches.Operation]) -> Plan[Any]:
    """Submit a transaction; return ``None`` where a condition of it does not hold."""
    from azure.data.tables import TableTransactionError  # noqa: PLC0415

    try:
        return (yield from call(_submitting(operations)))
    except TableTransactionError as error:
        if status_of(error) in _REFUSED and code_of(error) != "TableNotFound":
            return None
        raise


def _submitting(batch: list[batches.Operation]) -> Step:
    return lambda client: client.submit_transaction(batch, retry_total=0)


def _asking(query: str, select: list[str] | None, token: Any) -> Step:
    return lambda client: next_page(client, query, select=select, size=_PAGE, token=token)


def _pause(client: Any, seconds: float) -> Any:
    if hasattr(client, "__aenter__"):
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        return asyncio.sleep(seconds)
    return time.sleep(seconds)


def _entity(key: str, row: str, body: str) -> dict[str, Any]:
    parts = {f"{_BODY}{number}": piece for number, piece in enumerate(pieces(body))}
    return {**_place(key, row), **parts}


def _place(key: str, row: str) -> dict[str, Any]:
    return {"PartitionKey": encode(key), "RowKey": row}


def _text(entity: Entity) -> str | None:
    """Return the text of an entity; ``None`` where a part is missing or not a text."""
    parts: list[Any] = []
    while f"{_BODY}{len(parts)}" in entity:
        parts.append(entity[f"{_BODY}{len(parts)}"])
    return "".join(parts) if parts and all(isinstance(part, str) for part in parts) else None


def _rows(key: str, low: str, high: str) -> str:
    return f"PartitionKey eq '{encode(key)}' and RowKey ge '{low}' and RowKey le '{high}'"


def _ranges(rows: list[str]) -> list[tuple[str, str]]:
    """Return ranges that hold these rows and few others, from sorted rows.

    Rows of one segment are ``segment.position``, in hexadecimal without leading zeros: those with
    positions of equal length follow each other. Other rows stand alone.
    """
    groups: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        segment, dot, rest = row.partition(".")
        group = (segment, len(rest.partition(".")[0])) if dot else (row, 0)
        groups.setdefault(group, []).append(row)
    return [(group[0], group[-1]) for group in groups.values()]
