"""``DynamoDBDatabase``: the primitives of ``chatstore.conditional`` in one table.

The table has one key space. A head's name is ``chatstore/head/`` and the key. A record's name
contains the length of the key, so that different keys and record ids never make the same name.
The names of owners' lists begin with ``chatstore/owner-head/`` and ``chatstore/owner-record/``.
Other programs' items have names with other beginnings.

A transaction costs twice the write units, so a head without records is written by itself
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html). boto3 adds
to each a token, by which the service recognizes boto3's repetitions for ten minutes. The
algorithm recognizes the store's own repetitions by the head.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chatstore.conditional import Database, HeadWrite, Limits
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Plan
from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import (
    is_invalid_request,
    is_refused,
    is_table_missing,
    text_of,
    was_sent_again,
)
from chatstore.dynamodb.settings import BODY, VERSION
from chatstore.dynamodb.setup import create_missing_table, setup_error
from chatstore.dynamodb.table import (
    MAX_TRANSACTION_BYTES,
    MAX_TRANSACTION_ITEMS,
    Item,
    Table,
    judge_write,
    sleep,
)

T = TypeVar("T")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_ITEM_BYTES = 400 * 1024
_BATCHES = 8
"""The most batches that one call writes at the same time."""
_OVERHEAD = 1024  # bytes of an item beside its body: attributes' names, the key, the record's id
_CONVERSATIONS = "chatstore/"
_OWNER_LISTS = "chatstore/owner-"


class DynamoDBDatabase(Database[Connection]):
    """Heads and records as items of one table."""

    limits = Limits(
        operations=MAX_TRANSACTION_ITEMS,
        commit_bytes=MAX_TRANSACTION_BYTES,
        record_bytes=MAX_ITEM_BYTES,
    )

    def __init__(self, table: Table, space: str = _CONVERSATIONS) -> None:
        """Use a table; the names of all items begin with ``space``."""
        self.server = table.settings.server
        self.concurrency = min(_BATCHES, table.settings.max_connections)
        self._heads = f"{space}head/"
        self._records = f"{space}record/"
        self._table = table
        self._name = table.settings.table
        self._primary_key = table.settings.primary_key
        self._may_create = table.settings.create

    def weigh(self, body: str) -> int:
        """Return an upper bound of the bytes of an item with this body."""
        return len(body.encode()) + _OVERHEAD

    def read_head(self, key: str) -> Plan[Connection, tuple[str, str] | None]:
        """See `Database.read_head`.

        It is the first request for a key, so a table with another key is recognized before
        anything is written to it.
        """
        place = self._table.key(self._heads + key)
        request = {"TableName": self._name, "Key": place, "ConsistentRead": True}
        answer = yield from self._call(lambda: self._table.send("get_item", request))
        item: Item | None = answer.get("Item")
        return None if item is None else (self._text(item, BODY), self._text(item, VERSION))

    def read_heads(self, keys: Sequence[str]) -> Plan[Connection, dict[str, tuple[str, str]]]:
        """See `Database.read_heads`; one request reads up to 100 heads."""
        if len(keys) == 1:
            return (yield from super().read_heads(keys))
        keys_of = {self._heads + key: key for key in keys}
        items = yield from self._call(lambda: self._table.get_all(list(keys_of)))
        return {
            keys_of[name]: (self._text(item, BODY), self._text(item, VERSION))
            for name, item in items.items()
        }

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Connection, dict[str, str]]:
        """See `Database.read_records`."""
        prefix = self._record_prefix(key)
        ids_of = {prefix + record_id: record_id for record_id in ids}
        items = yield from self._call(lambda: self._table.get_all(list(ids_of)))
        # The reader reports a record without a text.
        return {ids_of[name]: item.get(BODY, {}).get("S", "") for name, item in items.items()}

    def commit(self, key: str, write: HeadWrite) -> Plan[Connection, str | None]:
        """See `Database.commit`."""
        version = secrets.token_hex(16)
        item = {**self._item(self._heads + key, write.head), VERSION: {"S": version}}
        if write.lifetime is not None:
            expiry = str(int(time.time() + write.lifetime))
            item[self._table.settings.ttl_attribute] = {"N": expiry}
        put = {"TableName": self._name, "Item": item, **self._condition(write.expected)}
        action, request = "put_item", put
        if write.puts or write.deletes:
            action, request = "transact_write_items", {"TransactItems": [{"Put": put}]}
            prefix = self._record_prefix(key)
            for name, body in write.puts.items():
                record = self._item(prefix + name, body)
                request["TransactItems"].append({"Put": {"TableName": self._name, "Item": record}})
            for name in write.deletes:
                place = self._table.key(prefix + name)
                request["TransactItems"].append({"Delete": {"TableName": self._name, "Key": place}})
        try:
            yield from self._call(lambda: self._table.send(action, request, judge_write))
        except Exception as error:
            # A caller's client may have sent it twice: the refusal may be due to the first one.
            if is_refused(error) and not was_sent_again(error):
                return None
            raise
        return version

    def delete_head(self, key: str, expected: str) -> Plan[Connection, None]:
        """See `Database.delete_head`."""
        request = {
            "TableName": self._name,
            "Key": self._table.key(self._heads + key),
            **self._condition(expected),
        }
        try:
            yield from self._call(lambda: self._table.send("delete_item", request, judge_write))
        except Exception as error:
            if not is_refused(error):
                raise

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Connection, None]:
        """See `Database.stage`."""
        prefix = self._record_prefix(key)
        items = [self._item(prefix + name, body) for name, body in puts.items()]
        return self._call(lambda: self._table.put_all(items))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[Connection, None]:
        """See `Database.discard`."""
        prefix = self._record_prefix(key)
        names = [prefix + record_id for record_id in ids]
        return self._call(lambda: self._table.delete_all(names))

    def list_heads(
        self,
        prefix: str,
        limit: int,  # noqa: ARG002 - it would limit the scanned items, which are mostly others
        cursor: Any | None,
    ) -> Plan[Connection, tuple[list[tuple[str, str]], Any | None]]:
        """See `Database.list_heads`; a page is what the service scans in one request."""
        request: dict[str, Any] = {
            "TableName": self._name,
            "ConsistentRead": True,
            "ProjectionExpression": "#key, #attribute",
            "FilterExpression": "begins_with(#key, :prefix) AND attribute_exists(#attribute)",
            "ExpressionAttributeNames": {"#key": self._primary_key, "#attribute": BODY},
            "ExpressionAttributeValues": {":prefix": {"S": self._heads + prefix}},
        }
        if cursor is not None:
            request["ExclusiveStartKey"] = cursor
        answer = yield from self._call(lambda: self._table.send("scan", request))
        heads = [
            (self._text(item, self._primary_key)[len(self._heads) :], self._text(item, BODY))
            for item in answer["Items"]
        ]
        return heads, answer.get("LastEvaluatedKey")

    def owner_lists(self) -> DynamoDBDatabase:
        """See `Database.owner_lists`."""
        return DynamoDBDatabase(self._table, _OWNER_LISTS)

    def sleep(self, seconds: float) -> Plan[Connection, None]:
        """See `Database.sleep`."""
        return sleep(seconds)

    def _call(self, begin: Callable[[], Plan[Connection, T]]) -> Plan[Connection, T]:
        """Send requests; the first call creates a missing table.

        Raises:
            StoreSetupError: The table does not accept the store's items.

        """
        try:
            result = yield from begin()
        except Exception as error:
            if is_table_missing(error) and self._may_create:
                self._may_create = False
                yield from create_missing_table(self._table)
                return (yield from begin())
            if is_invalid_request(error):
                text = text_of(error, self._primary_key)
                problem = yield from setup_error(self._table, text)
                if problem is not None:
                    raise problem from error
            raise
        self._may_create = False  # a table that disappears later is not replaced by an empty one
        return result

    def _text(self, item: Item, attribute: str) -> str:
        try:
            text: str = item[attribute]["S"]
        except (KeyError, TypeError):
            text = ""
        if not text:
            raise CorruptStoreError(
                f"{self.server}: the head of a conversation has no text in its attribute "
                f"{attribute!r}; something else wrote the item: restore or delete it"
            )
        return text

    def _item(self, name: str, body: str) -> dict[str, Any]:
        return {self._primary_key: {"S": name}, BODY: {"S": body}}

    def _condition(self, expected: str | None) -> dict[str, Any]:
        if expected is None:
            return {
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": self._primary_key},
            }
        return {
            "ConditionExpression": "#version = :expected",
            "ExpressionAttributeNames": {"#version": VERSION},
            "ExpressionAttributeValues": {":expected": {"S": expected}},
        }

    def _record_prefix(self, key: str) -> str:
        return f"{self._records}{len(key)}/{key}/"
