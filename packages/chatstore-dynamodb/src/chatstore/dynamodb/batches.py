"""Reads and writes of many items, which the service may answer in part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.sending import pauses, send
from chatstore.dynamodb.sizes import MAX_BATCH_READS, MAX_BATCH_WRITES
from chatstore.dynamodb.table import Layout


class Table:
    """The requests to one table that are harmless when they are repeated."""

    def __init__(self, layout: Layout, patience: float) -> None:
        """Take the names, and the seconds that a batch may take without progress."""
        self.layout = layout
        self.name = layout.name
        self.primary_key = layout.primary_key
        self._patience = patience

    def key(self, name: str) -> dict[str, Any]:
        """Return an item's key."""
        return {self.primary_key: {"S": name}}

    def get(self, connection: Connection, name: str) -> Mapping[str, Any] | None:
        """Return an item as it is now; ``None``: there is no such item."""
        answer = self._send(
            connection, "get_item", TableName=self.name, Key=self.key(name), ConsistentRead=True
        )
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def get_all(self, connection: Connection, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the items of these names that exist."""
        found: dict[str, Mapping[str, Any]] = {}
        for batch in _cut(names, MAX_BATCH_READS):
            left: Any = {"Keys": [self.key(name) for name in batch], "ConsistentRead": True}
            waiting = self._pauses()
            while left:
                answer = self._send(connection, "batch_get_item", RequestItems={self.name: left})
                items = _of_one(answer.get("Responses")) or []
                found.update((item[self.primary_key]["S"], item) for item in items)
                left = _of_one(answer.get("UnprocessedKeys"))
                if left and items:
                    waiting = self._pauses()
                elif left:
                    next(waiting)
        return found

    def put_all(self, connection: Connection, items: Iterable[Mapping[str, Any]]) -> None:
        """Write items, in no order and not at one moment."""
        self._write_all(connection, [{"PutRequest": {"Item": item}} for item in items])

    def delete_all(self, connection: Connection, names: Iterable[str]) -> None:
        """Delete items, in no order and not at one moment."""
        self._write_all(connection, [{"DeleteRequest": {"Key": self.key(n)}} for n in names])

    def scan(
        self, connection: Connection, prefix: str, attribute: str, start: Any | None
    ) -> tuple[list[Mapping[str, Any]], Any | None]:
        """Return items whose names begin with `prefix`, and where the next page starts."""
        answer = self._send(
            connection,
            "scan",
            TableName=self.name,
            ConsistentRead=True,
            ProjectionExpression="#key, #attribute",
            FilterExpression="begins_with(#key, :prefix) AND attribute_exists(#attribute)",
            ExpressionAttributeNames={"#key": self.primary_key, "#attribute": attribute},
            ExpressionAttributeValues={":prefix": {"S": prefix}},
            **({} if start is None else {"ExclusiveStartKey": start}),
        )
        return answer["Items"], answer.get("LastEvaluatedKey")

    def _write_all(self, connection: Connection, writes: Sequence[Any]) -> None:
        # 25 items of at most 400 KB stay below the 16 MB of a batch.
        for batch in _cut(writes, MAX_BATCH_WRITES):
            left: Any = batch
            waiting = self._pauses()
            while left:
                answer = self._send(connection, "batch_write_item", RequestItems={self.name: left})
                before, left = left, _of_one(answer.get("UnprocessedItems")) or []
                if left and len(left) < len(before):
                    waiting = self._pauses()
                elif left:
                    next(waiting)

    def _send(self, connection: Connection, action: str, **request: Any) -> Any:
        return send(connection, self.layout.server, action, **request)

    def _pauses(self) -> Iterator[None]:
        return pauses(self.layout.server, self._patience)


def _of_one(by_table: Mapping[str, Any] | None) -> Any:
    """Return what an answer says about the one table: it may name an ARN's table by its name."""
    return next(iter(by_table.values()), None) if by_table else None


def _cut(things: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
