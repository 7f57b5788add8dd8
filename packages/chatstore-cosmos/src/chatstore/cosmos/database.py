"""The primitives of `chatstore.conditional` on a container: a partition for each conversation."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import SystemRandom
from typing import Any, TypeVar

from chatstore.conditional.azure_core.repeating import repeated
from chatstore.conditional.database import Limits
from chatstore.core import CorruptStoreError, StoreUnavailableError
from chatstore.core.backend import Plan, call
from chatstore.cosmos import batches
from chatstore.cosmos.access import PARTITION_KEY, FoundPage
from chatstore.cosmos.batches import Item, Operation
from chatstore.cosmos.errors import is_busy, is_missing_item, status_of
from chatstore.cosmos.names import decode, encode

T = TypeVar("T")
HEAD = "head"
_RECORD = "r."
_FOREVER = -1  # https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live
_ATTEMPTS = 10
_random = SystemRandom()
_IDS_AT_ONCE = 1000  # of the 6,000 arguments that IN takes
_EXISTS, _CHANGED, _BUSY = 409, 412, 449
_ENVELOPE = 1200  # bytes of an operation beside its body: a key of 765, an id of 66, names
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0


def _ask(
    text: str, parameters: Mapping[str, Any], partition: str | None, size: int, token: str | None
) -> Plan[FoundPage]:
    """Read a page of a query's answer.

    azure-cosmos notes the latest headers in one dictionary for all threads, and now and then one
    of them finds it changed while it copies it; nothing is wrong with the reply then.
    """
    attempts = 0
    while True:
        try:
            found: FoundPage = yield from call(
                lambda access: access.query(
                    text, parameters, partition=partition, page_size=size, token=token
                )
            )
        except RuntimeError as error:
            attempts += 1
            if "mutated during iteration" not in str(error) or attempts == _ATTEMPTS:
                raise
        else:
            return found


class Changed(Exception):  # noqa: N818 - the answer to a condition, no error
    """An item is not what a condition expected."""


class CosmosDatabase:
    """The primitives, as plans on an `Access`."""

    limits = Limits(
        batches.MAX_OPERATIONS,
        batches.MAX_BATCH_BYTES - batches.MAX_OPERATIONS * _ENVELOPE,
        batches.MAX_BATCH_BYTES - batches.MAX_OPERATIONS * _ENVELOPE,
    )

    def __init__(self, server: str) -> None:
        """Take the name of the container for messages."""
        self._server = server

    def weigh(self, body: str) -> int:
        """Return the bytes of a body as azure-cosmos writes it, with escapes."""
        return len(json.dumps(body))

    def sleep(self, seconds: float) -> Plan[None]:
        """Wait."""
        yield from call(_sleeping(seconds))

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """Return the head and its etag, which the next commit depends on."""
        from azure.cosmos.exceptions import CosmosResourceNotFoundError  # noqa: PLC0415

        try:
            item: Item = yield from self._patiently(
                lambda: call(lambda access: access.read(encode(key), HEAD))
            )
        except CosmosResourceNotFoundError as error:
            if not is_missing_item(error):  # no container, a replica behind, or another server
                raise
            return None
        return self._body(item), item["_etag"]

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """Read those records of a conversation that exist."""
        found: dict[str, str] = {}
        names = [_RECORD + encode(record_id) for record_id in ids]
        for start in range(0, len(names), _IDS_AT_ONCE):
            some = names[start : start + _IDS_AT_ONCE]
            for item in (yield from self._find(encode(key), some, "c.id, c.body")):
                body = item.get("body")
                # The reader reports a record without a text.
                text = body if isinstance(body, str) else ""
                found[decode(item["id"].removeprefix(_RECORD))] = text
        return found

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,
    ) -> Plan[str | None]:
        """Write head and records in one transaction, on condition of the head's version.

        Returns:
            The new version; ``None``, where the condition does not hold.

        Raises:
            StoreUnavailableError: The condition does not hold, but the client sent the batch more
                than once: what an earlier sending wrote may be why.

        """
        partition = encode(key)
        item = _item(partition, HEAD, head, lifetime)
        first = batches.create(item) if expected is None else batches.replace(item, expected)
        operations = [
            first,
            *(batches.upsert(_item(partition, _RECORD + encode(i), b)) for i, b in puts.items()),
            *(batches.delete(_RECORD + encode(record_id)) for record_id in deletes),
        ]
        try:
            results = yield from _batch(partition, operations)
        except Changed:
            return None
        version: str = results[0]["eTag"]
        return version

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """Delete the head, if its version is the expected one."""
        with suppress(Changed):
            yield from _batch(encode(key), [batches.delete(HEAD, expected)])

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """Write records, in as many requests as they need."""
        partition = encode(key)
        operations = (
            batches.upsert(_item(partition, _RECORD + encode(i), b)) for i, b in puts.items()
        )
        for batch in batches.packed(operations):
            yield from self._write(partition, batch)

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """Delete those records that exist, in as many requests as they need."""
        partition = encode(key)
        names = [_RECORD + encode(record_id) for record_id in ids]
        while names:
            some, names = names[: batches.MAX_OPERATIONS], names[batches.MAX_OPERATIONS :]
            while held := (yield from self._find(partition, some, "c.id")):
                try:
                    deletes = [batches.delete(item["id"]) for item in held]
                    yield from self._write(partition, deletes)
                    break
                except Changed:
                    continue  # others discard them, too

    def list_heads(
        self, prefix: str, limit: int, cursor: str | None
    ) -> Plan[tuple[list[tuple[str, str]], str | None]]:
        """Read a page of keys with the text of their heads."""
        text = (
            f"SELECT c.{PARTITION_KEY}, c.body FROM c "
            f"WHERE c.id = @head AND STARTSWITH(c.{PARTITION_KEY}, @prefix)"
        )
        parameters = {"@head": HEAD, "@prefix": encode(prefix)}
        page = yield from self._patiently(lambda: _ask(text, parameters, None, limit, cursor))
        return [(self._key(item), self._body(item)) for item in page.items], page.token

    def _find(self, partition: str, names: Sequence[str], fields: str) -> Plan[list[Item]]:
        parameters = {f"@{number}_": name for number, name in enumerate(names)}
        text = f"SELECT {fields} FROM c WHERE c.id IN ({', '.join(parameters)})"
        items: list[Item] = []
        token: str | None = None
        while True:
            page = yield from self._patiently(
                partial(_ask, text, parameters, partition, len(names), token)
            )
            items += page.items
            token = page.token
            if token is None:
                return items

    def _write(self, partition: str, operations: list[Operation]) -> Plan[None]:
        """Execute a batch that may take effect twice."""
        yield from self._patiently(lambda: _batch(partition, operations))

    def _patiently(self, begin: Callable[[], Plan[T]]) -> Plan[T]:
        return repeated(begin, is_busy=is_busy, sleep=self.sleep, server=self._server)

    def _key(self, item: Item) -> str:
        try:
            return decode(str(item[PARTITION_KEY]))
        except (KeyError, ValueError):
            raise self._foreign() from None

    def _body(self, item: Item) -> str:
        body = item.get("body")
        if not isinstance(body, str):
            raise self._foreign()
        return body

    def _foreign(self) -> CorruptStoreError:
        message = (
            f"{self._server}: an item with the id {HEAD!r} is not the head of a conversation; "
            "something else wrote it: restore or delete it, or use another container"
        )
        return CorruptStoreError(message)


def _item(partition: str, name: str, body: str, lifetime: float | None = None) -> Item:
    ttl = _FOREVER if lifetime is None else int(lifetime)
    return {"id": name, PARTITION_KEY: partition, "body": body, "ttl": ttl}


def _batch(partition: str, operations: list[Operation]) -> Plan[list[Any]]:
    """Execute a batch; one that did nothing because others wrote (449) is sent again for a while.

    https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb

    Raises:
        Changed: A condition does not hold.
        StoreUnavailableError: So it is, but azure-cosmos sent the batch again, as it does after
            503: what was refused may have taken effect before.

    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - loaded with the client

    patience: float = yield from call(lambda access: access.timeout)
    deadline = time.monotonic() + patience
    pause = _FIRST_PAUSE
    sendings: list[Any] = []  # that may have taken effect
    while True:
        try:
            # azure-cosmos takes the condition out of what it is given: each sending needs its own.
            own = copy.deepcopy(operations)
            results: list[Any] = yield from call(partial(_send, partition, own, sendings.append))
        except AzureError as error:
            status = status_of(error)
            if status in {_EXISTS, _CHANGED} or is_missing_item(error):
                if len(sendings) > 1:
                    raise StoreUnavailableError(
                        "the write was sent twice and then rejected: its outcome is unknown"
                    ) from error
                raise Changed from error
            if status != _BUSY or time.monotonic() + pause > deadline:
                raise
            del sendings[-1:]
        else:
            return results
        yield from call(_sleeping(_random.uniform(pause / 2, pause)))
        pause = min(2 * pause, _LONGEST_PAUSE)


def _send(
    partition: str, operations: list[Operation], note: Callable[[Any], None], access: Any
) -> Any:
    return access.batch(partition, operations, note)


def _sleeping(seconds: float) -> Any:
    return lambda access: access.sleep(seconds)
