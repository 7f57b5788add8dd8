"""Reads and writes of many items, which the service may answer in part."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatstore.core import StoreUnavailableError
from chatstore.dynamodb.sizes import MAX_BATCH_READS, MAX_BATCH_WRITES

_FIRST_PAUSE = 0.05  # seconds
_LONGEST_PAUSE = 2.0


class Table:
    """A table of one client, with a bound on the time that a partial answer is followed up."""

    def __init__(self, name: str, primary_key: str, patience: float) -> None:
        """Note names, and the seconds that may pass without progress."""
        self.name = name
        self.primary_key = primary_key
        self._patience = patience

    def key(self, name: str) -> dict[str, Any]:
        """Return an item's key."""
        return {self.primary_key: {"S": name}}

    def get(self, client: Any, name: str) -> Mapping[str, Any] | None:
        """Return an item as it is now, ``None`` where there is none."""
        answer = client.get_item(TableName=self.name, Key=self.key(name), ConsistentRead=True)
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def get_all(self, client: Any, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the items of these names that there are."""
        found: dict[str, Mapping[str, Any]] = {}
        for some in _cut(names, MAX_BATCH_READS):
            wanted: Any = {"Keys": [self.key(name) for name in some], "ConsistentRead": True}
            pauses = self._pauses()
            while wanted:
                answer = client.batch_get_item(RequestItems={self.name: wanted})
                items = answer.get("Responses", {}).get(self.name, [])
                found.update((item[self.primary_key]["S"], item) for item in items)
                wanted = answer.get("UnprocessedKeys", {}).get(self.name)
                if wanted and items:
                    pauses = self._pauses()
                elif wanted:
                    next(pauses)
        return found

    def put_all(self, client: Any, items: Iterable[Mapping[str, Any]]) -> None:
        """Write items, in no order and not at one moment."""
        self._write_all(client, [{"PutRequest": {"Item": item}} for item in items])

    def delete_all(self, client: Any, names: Iterable[str]) -> None:
        """Delete items, in no order and not at one moment."""
        self._write_all(client, [{"DeleteRequest": {"Key": self.key(name)}} for name in names])

    def scan(
        self, client: Any, prefix: str, attribute: str, start: Any | None
    ) -> tuple[list[Mapping[str, Any]], Any | None]:
        """Return some items whose names begin so, and where the next page starts."""
        answer = client.scan(
            TableName=self.name,
            ConsistentRead=True,
            ProjectionExpression="#key, #attribute",
            FilterExpression="begins_with(#key, :prefix) AND attribute_exists(#attribute)",
            ExpressionAttributeNames={"#key": self.primary_key, "#attribute": attribute},
            ExpressionAttributeValues={":prefix": {"S": prefix}},
            **({} if start is None else {"ExclusiveStartKey": start}),
        )
        return answer["Items"], answer.get("LastEvaluatedKey")

    def _write_all(self, client: Any, writes: Sequence[Any]) -> None:
        # 25 items of at most 400 KB stay below the 16 MB of a batch.
        for some in _cut(writes, MAX_BATCH_WRITES):
            left: Any = some
            pauses = self._pauses()
            while left:
                answer = client.batch_write_item(RequestItems={self.name: left})
                before, left = left, answer.get("UnprocessedItems", {}).get(self.name, [])
                if left and len(left) < len(before):
                    pauses = self._pauses()
                elif left:
                    next(pauses)

    def _pauses(self) -> Iterator[None]:
        """Sleep longer each time, with jitter; give up when nothing has moved for long."""
        pause = _FIRST_PAUSE
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            time.sleep(pause * random.uniform(0.5, 1))
            yield
            pause = min(pause * 2, _LONGEST_PAUSE)
        message = f"{self.name}: the throughput is used up, batches make no progress"
        raise StoreUnavailableError(message)


def _cut(things: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
