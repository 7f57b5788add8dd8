"""``AzureDatabase``: the primitives of `chatstore.conditional` on a table.

Each conversation is a partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from chatstore.azure import batches
from chatstore.azure.entities import HEAD, body_of, entity_keys, new_entity, rows_filter
from chatstore.azure.errors import ERRORS, code_of
from chatstore.azure.keys import CONVERSATIONS, LISTS, KeySpace
from chatstore.azure.pages import EntityPage, check_token, read_page
from chatstore.azure.points import get_entity, is_missing
from chatstore.azure.preparing import Preparation
from chatstore.azure.rows import id_of, row_of, row_ranges
from chatstore.azure.sizes import MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, MAX_RECORD_BYTES
from chatstore.azure.table import Operation, StoredEntity, Table
from chatstore.azure_core.answers import status_of
from chatstore.azure_core.batches import packed
from chatstore.azure_core.clients import wait
from chatstore.conditional import Database, HeadWrite, Limits
from chatstore.core import CorruptStoreError
from chatstore.core.backend import MaybeAwaitable, Plan, call, concurrently

T = TypeVar("T")
_BATCHES = 8
"""The most batches that one call writes at the same time: the service limits each partition."""
_READS = 16
"""The most entities that one call reads at the same time, on as many threads if it is sync."""
_PAGE = 1000
_KEYS = ["PartitionKey", "RowKey"]
_MISSING = 404
_NO_TABLE = "TableNotFound"
_REJECTED = {_MISSING, 409, 412}
_DISCARD_ATTEMPTS = 3


class AzureDatabase(Database[Table]):
    """Heads and records as entities of one table."""

    limits = Limits(
        operations=MAX_BATCH_OPERATIONS,
        commit_bytes=MAX_BATCH_BYTES,
        record_bytes=MAX_RECORD_BYTES,
    )

    def __init__(
        self,
        server: str,
        preparation: Preparation,
        *,
        max_connections: int = 1,
        space: KeySpace = CONVERSATIONS,
    ) -> None:
        """Take the table's name for messages; nothing is sent.

        Args:
            server: The table, for messages.
            preparation: Creates a missing table.
            max_connections: The most connections of the clients.
            space: The kind of the keys.

        """
        self.server = server
        self._preparation = preparation
        self.concurrency = min(_BATCHES, max_connections)
        self._max_connections = max_connections
        self._space = space

    def weigh(self, body: str) -> int:
        """See `Database.weigh`."""
        return batches.weight(body)

    # ------------------------------------------------------------------ primitives

    def read_head(self, key: str) -> Plan[Table, tuple[str, str] | None]:
        """See `Database.read_head`; the version is the etag."""
        entity = yield from self._read_entity((self._space.name_of(key), HEAD))
        return None if entity is None else (self._body(entity), str(entity.metadata["etag"]))

    def read_heads(self, keys: Sequence[str]) -> Plan[Table, dict[str, tuple[str, str]]]:
        """See `Database.read_heads`.

        Several are read at the same time: a filter with several partitions would scan the table,
        https://learn.microsoft.com/azure/storage/tables/table-storage-design-for-query
        """
        addresses = [(self._space.name_of(key), HEAD) for key in dict.fromkeys(keys)]
        heads: dict[str, tuple[str, str]] = {}
        for entity in (yield from self._read_existing(addresses)):
            heads[self._key(entity)] = self._body(entity), str(entity.metadata["etag"])
        return heads

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Table, dict[str, str]]:
        """See `Database.read_records`."""
        partition = self._space.name_of(key)
        ranges = row_ranges(ids)
        single = [(partition, first) for first, last in ranges if first == last]
        entities = yield from self._read_existing(single)
        for first, last in ranges:
            if first != last:
                entities += yield from self._query(rows_filter(partition, first, last))
        # The reader reports a record without text.
        bodies = {id_of(str(one["RowKey"])): body_of(one) or "" for one in entities}
        return {record_id: bodies[record_id] for record_id in ids if record_id in bodies}

    def commit(self, key: str, write: HeadWrite) -> Plan[Table, str | None]:
        """See `Database.commit`.

        It is sent once, so that a rejection is never caused by an earlier attempt. The lifetime is
        ignored: tables have no TTL.
        """
        partition = self._space.name_of(key)
        head = new_entity(partition, HEAD, write.head)
        expected = write.expected
        operations = [
            batches.create(head) if expected is None else batches.replace(head, expected),
            *_puts(partition, write.puts),
            *(batches.delete(entity_keys(partition, row_of(name))) for name in write.deletes),
        ]
        results = yield from self._submit_if(operations)
        return None if results is None else str(results[0]["etag"])

    def delete_head(self, key: str, expected: str) -> Plan[Table, None]:
        """See `Database.delete_head`."""
        keys = entity_keys(self._space.name_of(key), HEAD)
        yield from self._submit_if([batches.delete(keys, expected)])

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Table, None]:
        """See `Database.stage`."""
        operations = _puts(self._space.name_of(key), puts)
        for batch in packed(operations, batches.size_of, batches.LIMITS):
            yield from self._request(partial(_submit, batch))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[Table, None]:
        """See `Database.discard`.

        Most of them exist. A batch fails as a whole if one is missing; then they are looked up.
        """
        from azure.data.tables import TableTransactionError

        partition = self._space.name_of(key)
        names = list(dict.fromkeys(ids))
        for start in range(0, len(names), MAX_BATCH_OPERATIONS):
            batch = names[start : start + MAX_BATCH_OPERATIONS]
            try:
                yield from self._delete(partition, batch)
            except TableTransactionError as error:
                if not _is_missing_in_batch(error):
                    raise
                yield from self._delete_existing(partition, batch)

    def _delete_existing(self, partition: str, ids: Sequence[str]) -> Plan[Table, None]:
        """Delete records as far as they exist; other clients may do the same at the same time."""
        from azure.data.tables import TableTransactionError

        for first, last in row_ranges(ids):
            for attempt in range(1, _DISCARD_ATTEMPTS + 1):
                entities = yield from self._query(rows_filter(partition, first, last), _KEYS)
                names = [id_of(str(entity["RowKey"])) for entity in entities]
                existing = [name for name in names if name in ids]
                try:
                    yield from self._delete(partition, existing)
                except TableTransactionError as error:
                    if not _is_missing_in_batch(error) or attempt == _DISCARD_ATTEMPTS:
                        raise
                else:
                    break

    def _delete(self, partition: str, ids: Sequence[str]) -> Plan[Table, None]:
        operations = [batches.delete(entity_keys(partition, row_of(name))) for name in ids]
        for batch in packed(operations, batches.size_of, batches.LIMITS):
            yield from self._request(partial(_submit, batch))

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Table, tuple[list[tuple[str, str]], Any | None]]:
        """See `Database.list_heads`."""
        check_token(cursor)
        query = f"{self._space.filter_of(prefix)} and RowKey eq '{HEAD}'"
        page = yield from self._read_page(query, None, min(limit, _PAGE), cursor)
        return [(self._key(e), self._body(e)) for e in page.entities], page.token

    def owner_lists(self) -> AzureDatabase:
        """See `Database.owner_lists`."""
        return AzureDatabase(
            self.server, self._preparation, max_connections=self._max_connections, space=LISTS
        )

    def sleep(self, seconds: float) -> Plan[Table, None]:
        """See `Database.sleep`."""
        return call(lambda table: wait(table, seconds))

    # ------------------------------------------------------------------ requests

    def _request(self, step: Callable[[Table], MaybeAwaitable[T]]) -> Plan[Table, T]:
        """Carry out a request that may take effect twice without harm."""
        return self._repeat(lambda: call(step))

    def _read_existing(
        self, addresses: Sequence[tuple[str, str]]
    ) -> Plan[Table, list[StoredEntity]]:
        """Return the entities that exist, some of which are read at the same time."""
        plans = [self._read_entity(address) for address in addresses]
        entities = yield from concurrently(plans, min(_READS, self._max_connections))
        return [entity for entity in entities if entity is not None]

    def _read_entity(self, address: tuple[str, str]) -> Plan[Table, StoredEntity | None]:
        """Return an entity if it exists."""
        try:
            return (yield from self._request(partial(get_entity, *address)))
        except Exception as error:
            if not is_missing(error):
                raise
            return None

    def _repeat(self, begin: Callable[[], Plan[Table, T]]) -> Plan[Table, T]:
        yield from self._preparation.ensure()
        return (yield from ERRORS.retry(begin, sleep=self.sleep, server=self.server))

    def _submit_if(
        self, operations: list[Operation]
    ) -> Plan[Table, list[Mapping[str, Any]] | None]:
        """Submit a transaction once; return ``None`` if one of its conditions does not hold."""
        from azure.data.tables import TableTransactionError

        yield from self._preparation.ensure()
        try:
            return (yield from call(partial(_submit, operations)))
        except TableTransactionError as error:
            if status_of(error) in _REJECTED and code_of(error) != _NO_TABLE:
                return None
            raise

    def _query(
        self, query: str, select: list[str] | None = None
    ) -> Plan[Table, list[StoredEntity]]:
        """Return all entities of a query."""
        entities: list[StoredEntity] = []
        token: Any | None = None
        while True:
            page = yield from self._read_page(query, select, _PAGE, token)
            entities += page.entities
            token = page.token
            if token is None:
                return entities

    def _read_page(
        self, query: str, select: list[str] | None, size: int, token: Any | None
    ) -> Plan[Table, EntityPage]:
        return self._request(
            lambda table: read_page(table, query, select=select, size=size, token=token)
        )

    # ------------------------------------------------------------------ foreign entities

    def _key(self, entity: StoredEntity) -> str:
        try:
            return self._space.key_of(str(entity["PartitionKey"]))
        except ValueError:
            raise self._foreign_entity() from None

    def _body(self, entity: StoredEntity) -> str:
        body = body_of(entity)
        if body is None:
            raise self._foreign_entity()
        return body

    def _foreign_entity(self) -> CorruptStoreError:
        return CorruptStoreError(
            f"{self.server}: an entity with the row key {HEAD!r} is not the head of a "
            "conversation; another program wrote it: restore or delete it, or use another table"
        )


def _puts(partition: str, records: Mapping[str, str]) -> list[Operation]:
    return [
        batches.put(new_entity(partition, row_of(record_id), body))
        for record_id, body in records.items()
    ]


def _is_missing_in_batch(error: Exception) -> bool:
    """Return whether a batch failed because an entity is missing, rather than the table."""
    return status_of(error) == _MISSING and code_of(error) != _NO_TABLE


def _submit(operations: list[Operation], table: Table) -> MaybeAwaitable[list[Mapping[str, Any]]]:
    return table.submit_transaction(operations, retry_total=0)
