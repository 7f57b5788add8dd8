"""The primitives of ``chatstore.conditional`` on a table with a hash key alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chatstore.conditional import Limits
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Plan, call
from chatstore.dynamodb import transactions
from chatstore.dynamodb.address import BODY, VERSION
from chatstore.dynamodb.batches import Table
from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import code_of, meaning_of, reasons_of
from chatstore.dynamodb.items import HEADS, head_name, record_name
from chatstore.dynamodb.sizes import (
    MAX_ITEM_BYTES,
    MAX_TRANSACTION_BYTES,
    MAX_TRANSACTION_ITEMS,
)
from chatstore.dynamodb.table import setup_error

T = TypeVar("T")
_AROUND = 1024  # bytes of an item beside its body: attributes' names, the key, the record's id


class DynamoDBDatabase:
    """Heads and records as items of one table."""

    limits = Limits(
        operations=MAX_TRANSACTION_ITEMS,
        commit_bytes=MAX_TRANSACTION_BYTES,
        record_bytes=MAX_ITEM_BYTES,
    )

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self._table = table
        self._layout = table.layout

    def weigh(self, body: str) -> int:
        """Return the bytes of an item with this body, at most."""
        return len(body.encode()) + _AROUND

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """Return the head and its version, as they are now; ``None``: there is no head.

        It comes before the first write to a key, so that a table with another key is found out
        before anything is written to it.
        """
        item = yield from self._ask(lambda client: self._table.get(client, head_name(key)))
        return None if item is None else (self._text(item, BODY), self._text(item, VERSION))

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """Return the records of these ids that exist, as they are now."""
        ids_of = {record_name(key, record_id): record_id for record_id in ids}
        found = yield from self._ask(lambda client: self._table.get_all(client, list(ids_of)))
        # The reader reports a record without a text.
        return {ids_of[name]: item.get(BODY, {}).get("S", "") for name, item in found.items()}

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
        version = secrets.token_hex(16)
        item = self._item(head_name(key), head) | {VERSION: {"S": version}}
        if lifetime is not None:
            item[self._layout.ttl_attribute] = {"N": str(int(time.time() + lifetime))}
        records = self._records(key, puts)
        gone = [self._table.key(record_name(key, record_id)) for record_id in deletes]
        condition = self._condition(expected)
        is_done = yield from self._ask(
            lambda client: transactions.write(client, self._layout, item, condition, records, gone)
        )
        return version if is_done else None

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """Delete the head, if its version is the expected one."""
        place, condition = self._table.key(head_name(key)), self._condition(expected)
        yield from self._ask(
            lambda client: transactions.delete(client, self._layout, place, condition)
        )

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """Write records, in no order and not at one moment."""
        records = self._records(key, puts)
        yield from self._ask(lambda client: self._table.put_all(client, records))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """Delete the records of these ids that exist."""
        names = [record_name(key, record_id) for record_id in ids]
        yield from self._ask(lambda client: self._table.delete_all(client, names))

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[tuple[list[tuple[str, str]], Any | None]]:
        """Return keys and heads, by a scan: a page is what the service goes through at once."""
        del limit  # counts what is gone through, which is other items for the most part
        items, following = yield from self._ask(
            lambda client: self._table.scan(client, head_name(prefix), BODY, cursor)
        )
        key = self._table.primary_key
        return [
            (self._text(item, key)[len(HEADS) :], self._text(item, BODY)) for item in items
        ], following

    def sleep(self, seconds: float) -> Plan[None]:
        """Wait, on the thread of the call."""
        yield from call(lambda _: time.sleep(seconds))

    def _ask(self, step: Callable[[Connection], T]) -> Plan[T]:
        """Send requests; find out what is wrong with a table that does not take them."""
        try:
            return (yield from call(step))
        except Exception as error:
            is_refused = code_of(error) == "ValidationException"
            if not is_refused and "ValidationError" not in reasons_of(error):
                raise
            meaning = meaning_of(error)
            text = meaning.text if meaning else ""
            text = text.replace("{primary_key!r}", repr(self._layout.primary_key))
            problem = yield from call(lambda client: setup_error(client, self._layout, text))
            if problem is None:
                raise
            raise problem from error

    def _text(self, item: Mapping[str, Any], attribute: str) -> str:
        try:
            text: str = item[attribute]["S"]
        except (KeyError, TypeError):
            text = ""
        if not text:
            raise CorruptStoreError(
                f"{self._layout.server}: the head of a conversation has no text in its attribute "
                f"{attribute!r}; something else wrote the item: restore or delete it"
            )
        return text

    def _records(self, key: str, puts: Mapping[str, str]) -> list[dict[str, Any]]:
        return [self._item(record_name(key, name), body) for name, body in puts.items()]

    def _item(self, name: str, body: str) -> dict[str, Any]:
        return {**self._table.key(name), BODY: {"S": body}}

    def _condition(self, expected: str | None) -> dict[str, Any]:
        if expected is None:
            return {
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": self._table.primary_key},
            }
        return {
            "ConditionExpression": "#version = :expected",
            "ExpressionAttributeNames": {"#version": VERSION},
            "ExpressionAttributeValues": {":expected": {"S": expected}},
        }
