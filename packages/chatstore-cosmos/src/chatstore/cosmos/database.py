"""``CosmosDatabase``: the primitives of `chatstore.conditional` on a container.

Each conversation is a partition.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias, TypeVar

from chatstore.azure_core.answers import status_of
from chatstore.azure_core.batches import packed
from chatstore.conditional import Database, HeadWrite, Limits
from chatstore.core import CorruptStoreError, InvalidArgumentError, StoreUnavailableError
from chatstore.core.backend import (
    MaybeAwaitable,
    Plan,
    Retryable,
    RetryPolicy,
    call,
    retry,
    slow_down,
)
from chatstore.cosmos import batches
from chatstore.cosmos.batches import Item, Operation
from chatstore.cosmos.container import OWNED, PARTITION_KEY, Container, ItemPage
from chatstore.cosmos.errors import ERRORS, is_missing_item
from chatstore.cosmos.keys import decode, encode
from chatstore.cosmos.owners import QUERY, owned_value, query_parameters
from chatstore.cosmos.preparing import prepare

T = TypeVar("T")
StoredText: TypeAlias = tuple[str, str]
"""A head's text and its version, which is the item's etag."""

HEAD = "head"
_RECORD = "r."
_NO_TTL = -1  # https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live
_BATCHES = 8
"""The most batches that one call writes at the same time."""
_NAMES_PER_QUERY = 1000  # `IN` accepts 6,000 arguments
_EXISTS, _CHANGED, _BUSY = 409, 412, 449
_ENVELOPE = 1200  # bytes of an operation beside its body: a key of 765, an id of 66, names
_BODY_BYTES = batches.MAX_BATCH_BYTES - batches.MAX_OPERATIONS * _ENVELOPE
_QUERY_POLICY = RetryPolicy(math.inf, first_pause=0.001, longest_pause=0.05, attempts=10)


class ItemChangedError(Exception):
    """A condition of a batch does not hold, so the batch changed nothing."""


class CosmosDatabase(Database[Container]):
    """Heads and records as items of a container."""

    limits = Limits(batches.MAX_OPERATIONS, _BODY_BYTES, _BODY_BYTES)

    def __init__(
        self, server: str, *, create: bool, timeout: float, max_connections: int = 1
    ) -> None:
        """Take the container's name for messages; nothing is sent.

        Args:
            server: The container, for messages.
            create: Whether the first request creates a missing database and container.
            timeout: Seconds for which a batch is repeated if other clients write.
            max_connections: The most connections of the clients.

        """
        self.server = server
        self._create = create
        self.concurrency = min(_BATCHES, max_connections)
        self._batch_policy = RetryPolicy(timeout, first_pause=0.01)

    def weigh(self, body: str) -> int:
        """See `Database.weigh`; azure-cosmos sends escapes for characters outside of ASCII."""
        return len(json.dumps(body))

    def sleep(self, seconds: float) -> Plan[Container, None]:
        """See `Database.sleep`."""
        return call(lambda container: container.sleep(seconds))

    def setup(self) -> Plan[Container, None]:
        """Check the account and the container; create what is missing."""
        return prepare(self.server, create=True)

    # ------------------------------------------------------------------ primitives

    def read_head(self, key: str) -> Plan[Container, StoredText | None]:
        """See `Database.read_head`."""
        from azure.cosmos.exceptions import CosmosResourceNotFoundError

        try:
            item = yield from self._request(partial(_read_item, encode(key), HEAD))
        except CosmosResourceNotFoundError as error:
            if not is_missing_item(error):  # such as a missing container
                raise
            return None
        return self._stored(item)

    def read_heads(self, keys: Sequence[str]) -> Plan[Container, dict[str, StoredText]]:
        """See `Database.read_heads`."""
        if len(keys) == 1:  # a read by id costs less than a query
            return (yield from super().read_heads(keys))
        heads: dict[str, tuple[str, str]] = {}
        names = [encode(key) for key in dict.fromkeys(keys)]
        for start in range(0, len(names), _NAMES_PER_QUERY):
            batch = names[start : start + _NAMES_PER_QUERY]
            for item in (yield from self._query_heads(batch)):
                heads[self._key(item)] = self._stored(item)
        return heads

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Container, dict[str, str]]:
        """See `Database.read_records`."""
        records: dict[str, str] = {}
        names = [_RECORD + encode(record_id) for record_id in ids]
        for start in range(0, len(names), _NAMES_PER_QUERY):
            batch = names[start : start + _NAMES_PER_QUERY]
            for item in (yield from self._query(encode(key), batch, "c.id, c.body")):
                body = item.get("body")
                # The reader reports a record without text.
                text = body if isinstance(body, str) else ""
                records[decode(item["id"].removeprefix(_RECORD))] = text
        return records

    def commit(self, key: str, write: HeadWrite) -> Plan[Container, str | None]:
        """See `Database.commit`."""
        partition = encode(key)
        head = _item(partition, HEAD, write.head, write.lifetime)
        if write.owner is not None and write.updated_at is not None:
            head[OWNED] = owned_value(write.owner, write.updated_at, partition)
        expected = write.expected
        operations = [
            batches.create(head) if expected is None else batches.replace(head, expected),
            *_upserts(partition, write.puts),
            *(batches.delete(_RECORD + encode(record_id)) for record_id in write.deletes),
        ]
        yield from self._ensure_ready()
        try:
            results = yield from self.execute_batch(partition, operations)
        except ItemChangedError:
            return None
        return str(results[0]["eTag"])

    def delete_head(self, key: str, expected: str) -> Plan[Container, None]:
        """See `Database.delete_head`."""
        yield from self._ensure_ready()
        with suppress(ItemChangedError):
            yield from self.execute_batch(encode(key), [batches.delete(HEAD, expected)])

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Container, None]:
        """See `Database.stage`."""
        partition = encode(key)
        operations = _upserts(partition, puts)
        for batch in packed(operations, batches.size_of, batches.LIMITS):
            yield from self._execute(partition, batch)

    def discard(self, key: str, ids: Sequence[str]) -> Plan[Container, None]:
        """See `Database.discard`."""
        partition = encode(key)
        names = [_RECORD + encode(record_id) for record_id in ids]
        for start in range(0, len(names), batches.MAX_OPERATIONS):
            batch = names[start : start + batches.MAX_OPERATIONS]
            existing = yield from self._query(partition, batch, "c.id")
            operations = [batches.delete(item["id"]) for item in existing]
            if not operations:
                continue
            try:
                yield from self._execute(partition, operations)
            except ItemChangedError:
                # Other clients discard the same items, and a query may still return deleted ones.
                for operation in operations:
                    with suppress(ItemChangedError):
                        yield from self._execute(partition, [operation])

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Container, tuple[list[tuple[str, str]], Any | None]]:
        """See `Database.list_heads`."""
        check_cursor(cursor)
        text = (
            f"SELECT c.{PARTITION_KEY}, c.body FROM c "
            f"WHERE c.id = @head AND STARTSWITH(c.{PARTITION_KEY}, @prefix)"
        )
        parameters = {"@head": HEAD, "@prefix": encode(prefix)}
        page = yield from self._query_page(text, parameters, None, limit, cursor)
        return [(self._key(item), self._body(item)) for item in page.items], page.token

    def owner_lists(self) -> None:
        """Return ``None``: the container has an index of owners."""

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[Container, tuple[list[tuple[str, StoredText]], Any | None]]:
        """See `Database.list_owned`; the cursor is the last item's place in the order."""
        check_cursor(cursor)
        parameters = query_parameters(owner, limit, cursor)
        # A sorted query across partitions has no token that could be continued with.
        items, _ = yield from self._query_page(QUERY, parameters, None, limit, None)
        heads = [(self._key(item), self._stored(item)) for item in items]
        return heads, items[-1][OWNED] if len(items) == limit else None

    # ------------------------------------------------------------------ requests

    def execute_batch(
        self, partition: str, operations: Sequence[Operation]
    ) -> Plan[Container, list[Mapping[str, Any]]]:
        """Execute a transactional batch.

        A batch that did nothing because others wrote (449) is repeated:
        https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb

        Raises:
            ItemChangedError: A condition does not hold.
            StoreUnavailableError: A condition does not hold, but azure-cosmos sent the batch
                repeatedly, as it does after 503: an earlier attempt may have taken effect.

        """
        from azure.core.exceptions import AzureError  # loaded with the client

        requests: list[Any] = []  # those that may have taken effect

        def attempt() -> Plan[Container, list[Mapping[str, Any]]]:
            # azure-cosmos removes the conditions from the operations that it is passed.
            copied = copy.deepcopy(operations)
            try:
                results = yield from call(partial(_send_batch, partition, copied, requests.append))
            except AzureError as error:
                status = status_of(error)
                if status in {_EXISTS, _CHANGED} or is_missing_item(error):
                    if len(requests) > 1:
                        raise StoreUnavailableError(
                            "the write was sent twice and then rejected: its outcome is unknown"
                        ) from error
                    raise ItemChangedError from error
                if status == _BUSY:
                    del requests[-1:]
                raise
            if len(requests) > 1:  # azure-cosmos waited and sent it again, for example after 429
                slow_down()
            return results

        return (
            yield from retry(
                attempt,
                _judge_batch,
                policy=self._batch_policy,
                sleep=self.sleep,
                server=self.server,
            )
        )

    def _ensure_ready(self) -> Plan[Container, None]:
        is_ready = yield from call(_is_ready)
        if not is_ready:
            yield from prepare(self.server, create=self._create)

    def _request(self, step: Callable[[Container], MaybeAwaitable[T]]) -> Plan[Container, T]:
        """Carry out a request that may take effect twice without harm."""
        return self._repeat(lambda: call(step))

    def _execute(self, partition: str, operations: Sequence[Operation]) -> Plan[Container, None]:
        """Execute a batch that may take effect twice without harm."""
        yield from self._repeat(lambda: self.execute_batch(partition, operations))

    def _repeat(self, begin: Callable[[], Plan[Container, T]]) -> Plan[Container, T]:
        yield from self._ensure_ready()
        return (yield from ERRORS.retry(begin, sleep=self.sleep, server=self.server))

    def _query(
        self, partition: str, names: Sequence[str], fields: str
    ) -> Plan[Container, list[Item]]:
        """Return the items of a partition that have one of the ids."""
        parameters = _numbered(names)
        text = f"SELECT {fields} FROM c WHERE c.id IN ({', '.join(parameters)})"
        return self._query_all(text, parameters, partition, len(names))

    def _query_heads(self, partitions: Sequence[str]) -> Plan[Container, list[Item]]:
        """Return the heads of partitions that have one."""
        parameters = _numbered(partitions)
        text = (
            f"SELECT c.{PARTITION_KEY}, c.body, c._etag FROM c "
            f"WHERE c.id = @head AND c.{PARTITION_KEY} IN ({', '.join(parameters)})"
        )
        return self._query_all(text, {**parameters, "@head": HEAD}, None, len(partitions))

    def _query_all(
        self, text: str, parameters: Mapping[str, Any], partition: str | None, size: int
    ) -> Plan[Container, list[Item]]:
        items: list[Item] = []
        token: str | None = None
        while True:
            page = yield from self._query_page(text, parameters, partition, size, token)
            items += page.items
            token = page.token
            if token is None:
                return items

    def _query_page(
        self,
        text: str,
        parameters: Mapping[str, Any],
        partition: str | None,
        size: int,
        token: str | None,
    ) -> Plan[Container, ItemPage]:
        def query(container: Container) -> MaybeAwaitable[ItemPage]:
            return container.query(
                text, parameters, partition=partition, page_size=size, token=token
            )

        return self._repeat(
            lambda: retry(
                lambda: call(query),
                _judge_query,
                policy=_QUERY_POLICY,
                sleep=self.sleep,
                server=self.server,
            )
        )

    # ------------------------------------------------------------------ foreign items

    def _key(self, item: Item) -> str:
        try:
            return decode(str(item[PARTITION_KEY]))
        except (KeyError, ValueError):
            raise self._foreign_item() from None

    def _stored(self, item: Item) -> StoredText:
        return self._body(item), str(item["_etag"])

    def _body(self, item: Item) -> str:
        body = item.get("body")
        if not isinstance(body, str):
            raise self._foreign_item()
        return body

    def _foreign_item(self) -> CorruptStoreError:
        return CorruptStoreError(
            f"{self.server}: an item with the id {HEAD!r} is not the head of a conversation; "
            "another program wrote it: restore or delete it, or use another container"
        )


def _item(partition: str, name: str, body: str, lifetime: float | None = None) -> Item:
    ttl = _NO_TTL if lifetime is None else int(lifetime)
    return {"id": name, PARTITION_KEY: partition, "body": body, "ttl": ttl}


def check_cursor(cursor: object) -> None:
    """Refuse what is not a cursor.

    Raises:
        InvalidArgumentError: `cursor` is neither text nor ``None``.

    """
    if cursor is not None and not isinstance(cursor, str):
        raise InvalidArgumentError("this is not a cursor: pass the cursor of the page before")


def _numbered(names: Sequence[str]) -> dict[str, str]:
    """Return query parameters, with names of which none is part of another."""
    return {f"@{number}_": name for number, name in enumerate(names)}


def _upserts(partition: str, puts: Mapping[str, str]) -> Iterator[Operation]:
    for record_id, body in puts.items():
        yield batches.upsert(_item(partition, _RECORD + encode(record_id), body))


def _is_ready(container: Container) -> bool:
    return container.is_ready


def _read_item(partition: str, item_id: str, container: Container) -> MaybeAwaitable[Item]:
    return container.read(partition, item_id)


def _send_batch(
    partition: str,
    operations: Sequence[Operation],
    note: Callable[[Any], None],
    container: Container,
) -> MaybeAwaitable[list[Mapping[str, Any]]]:
    return container.execute_batch(partition, operations, note)


def _judge_batch(error: Exception, _: int) -> Retryable | None:
    return Retryable("other clients write at the same time") if status_of(error) == _BUSY else None


def _judge_query(error: Exception, _: int) -> Retryable | None:
    # azure-cosmos keeps the latest headers in one dictionary for all threads, which may change
    # while a thread copies it. The reply itself is complete.
    if isinstance(error, RuntimeError) and "mutated during iteration" in str(error):
        return Retryable("another thread changed the client's headers")
    return None
