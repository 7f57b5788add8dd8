"""The primitives of ``chatstore.records`` on a table with a hash key alone."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from chatstore.core import CorruptStoreError
from chatstore.core.plans import Plan, call
from chatstore.dynamodb import transactions
from chatstore.dynamodb.batches import Table
from chatstore.dynamodb.items import HEADS, head_name, record_name
from chatstore.dynamodb.sizes import (
    MAX_ITEM_BYTES,
    MAX_TRANSACTION_BYTES,
    MAX_TRANSACTION_ITEMS,
)
from chatstore.records import Limits

_BODY = "b"
_VERSION = "v"
ATTRIBUTES = (_BODY, _VERSION)
_AROUND = 1024  # bytes of an item beside its body: attributes' names, the key, the record's id


class DynamoDBDatabase:
    """Heads and records as items of one table."""

    limits = Limits(
        operations=MAX_TRANSACTION_ITEMS,
        commit_bytes=MAX_TRANSACTION_BYTES,
        record_bytes=MAX_ITEM_BYTES,
    )

    def __init__(self, table: Table, ttl_attribute: str) -> None:
        """Note the table, and the attribute that its TTL looks at."""
        self._table = table
        self._ttl_attribute = ttl_attribute

    def weigh(self, body: str) -> int:
        """Return the bytes of an item with this body, at most."""
        return len(body.encode()) + _AROUND

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """Return the head and its version, as they are now; ``None``: there is none."""
        item = yield from call(lambda client: self._table.get(client, head_name(key)))
        if item is None:
            return None
        try:
            return item[_BODY]["S"], item[_VERSION]["S"]
        except KeyError as error:
            message = f"{self._table.name}: an item has a head's name, but is none"
            raise CorruptStoreError(message) from error

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """Return those of the records that there are, as they are now."""
        ids_of = {record_name(key, record_id): record_id for record_id in ids}
        found = yield from call(lambda client: self._table.get_all(client, list(ids_of)))
        # A record without a body is for the reader to complain about.
        return {ids_of[name]: item.get(_BODY, {}).get("S", "") for name, item in found.items()}

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,
    ) -> Plan[str | None]:
        """Write all if the head's version is the expected one; return the new one, or ``None``."""
        version = uuid.uuid4().hex
        item = self._item(head_name(key), head) | {_VERSION: {"S": version}}
        if lifetime is not None:
            item[self._ttl_attribute] = {"N": str(int(time.time() + lifetime))}
        records = self._records(key, puts)
        gone = [self._table.key(record_name(key, record_id)) for record_id in deletes]
        condition = self._condition(expected)
        is_done = yield from call(
            lambda client: transactions.write(
                client, self._table.name, item, condition, records, gone
            )
        )
        return version if is_done else None

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """Delete the head, if its version is the expected one."""
        place, condition = self._table.key(head_name(key)), self._condition(expected)
        yield from call(
            lambda client: transactions.delete(client, self._table.name, place, condition)
        )

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """Write records, in no order and not at one moment."""
        records = self._records(key, puts)
        yield from call(lambda client: self._table.put_all(client, records))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """Delete records, where there are any."""
        names = [record_name(key, record_id) for record_id in ids]
        yield from call(lambda client: self._table.delete_all(client, names))

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[tuple[list[tuple[str, str]], Any | None]]:
        """Return keys and heads, by a scan: a page is what the service goes through at once."""
        del limit  # counts what is gone through, which is other items for the most part
        items, following = yield from call(
            lambda client: self._table.scan(client, head_name(prefix), _BODY, cursor)
        )
        found = [
            (item[self._table.primary_key]["S"][len(HEADS) :], item[_BODY]["S"]) for item in items
        ]
        return found, following

    def sleep(self, seconds: float) -> Plan[None]:
        """Wait, on the thread of the call."""
        yield from call(lambda _: time.sleep(seconds))

    def _records(self, key: str, puts: Mapping[str, str]) -> list[dict[str, Any]]:
        return [self._item(record_name(key, name), body) for name, body in puts.items()]

    def _item(self, name: str, body: str) -> dict[str, Any]:
        return {**self._table.key(name), _BODY: {"S": body}}

    def _condition(self, expected: str | None) -> dict[str, Any]:
        if expected is None:
            return {
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": self._table.primary_key},
            }
        return {
            "ConditionExpression": "#version = :expected",
            "ExpressionAttributeNames": {"#version": _VERSION},
            "ExpressionAttributeValues": {":expected": {"S": expected}},
        }
