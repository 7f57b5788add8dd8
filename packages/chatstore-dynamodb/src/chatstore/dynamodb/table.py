"""``Table``: the requests to one table, as plans, with retries.

Limits of transactions and batches:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and the API
reference of TransactWriteItems, BatchWriteItem and BatchGetItem.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chatstore.core import StoreUnavailableError
from chatstore.core.backend import (
    Plan,
    Retryable,
    RetryPolicy,
    call,
    is_timeout,
    is_unreachable,
    retry,
    slow_down,
)
from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import Meaning, meaning_of
from chatstore.dynamodb.settings import Settings

Item = Mapping[str, Any]
Batch = Sequence[Any]
Judge = Callable[[Exception, int], "Retryable | None"]

MAX_TRANSACTION_ITEMS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
_MAX_BATCH_READS = 100
_MAX_BATCH_WRITES = 25  # items of at most 400 KB: below the 16 MB of a batch


class _NoProgressError(StoreUnavailableError):
    """The service carried out nothing of a batch."""


class Table:
    """The requests to one table.

    Attributes:
        settings: The options.

    """

    def __init__(self, settings: Settings) -> None:
        """Keep the options."""
        self.settings = settings
        self._policy = RetryPolicy(settings.patience, first_pause=0.05, attempts=3)

    def key(self, name: str) -> dict[str, Any]:
        """Return an item's key."""
        return {self.settings.primary_key: {"S": name}}

    # ------------------------------------------------------------------ one request

    def send(
        self, action: str, request: dict[str, Any], judge: Judge | None = None
    ) -> Plan[Connection, Any]:
        """Send a request, and repeat it for a moment if the service is busy.

        Args:
            action: The method of boto3's client, such as ``get_item``.
            request: Its arguments.
            judge: Decides whether to repeat it, see `retry`; by default the request may take
                effect twice without harm, so that it is repeated if no answer came.

        """
        return retry(
            lambda: _request(action, request),
            judge or _judge_idempotent,
            policy=self._policy,
            sleep=sleep,
            server=self.settings.server,
        )

    # ------------------------------------------------------------------ many items

    def get_all(self, names: Sequence[str]) -> Plan[Connection, dict[str, Item]]:
        """Return the current items of these names, as far as they exist."""
        items: dict[str, Item] = {}
        primary_key = self.settings.primary_key
        keys = [{primary_key: {"S": name}} for name in names]
        yield from self._process(lambda batch: self._get(batch, items), keys, _MAX_BATCH_READS)
        return items

    def put_all(self, items: Iterable[Item]) -> Plan[Connection, None]:
        """Write items, in any order and not atomically."""
        writes = [{"PutRequest": {"Item": item}} for item in items]
        return self._process(self._write, writes, _MAX_BATCH_WRITES)

    def delete_all(self, names: Iterable[str]) -> Plan[Connection, None]:
        """Delete items, in any order and not atomically."""
        writes = [{"DeleteRequest": {"Key": self.key(name)}} for name in names]
        return self._process(self._write, writes, _MAX_BATCH_WRITES)

    def _get(self, keys: Batch, items: dict[str, Item]) -> Plan[Connection, Batch]:
        """Read items; return the keys that the service did not process."""
        request = {"RequestItems": {self.settings.table: {"Keys": keys, "ConsistentRead": True}}}
        answer = yield from self.send("batch_get_item", request)
        for item in _of_only_table(answer.get("Responses")) or []:
            items[item[self.settings.primary_key]["S"]] = item
        rest = _of_only_table(answer.get("UnprocessedKeys"))
        return rest["Keys"] if rest else []

    def _write(self, writes: Batch) -> Plan[Connection, Batch]:
        """Write or delete items; return the writes that the service did not process."""
        request = {"RequestItems": {self.settings.table: writes}}
        answer = yield from self.send("batch_write_item", request)
        return _of_only_table(answer.get("UnprocessedItems")) or []

    def _process(
        self, process: Callable[[Batch], Plan[Connection, Batch]], values: Batch, size: int
    ) -> Plan[Connection, None]:
        """Process values in batches, and again what the service did not process."""
        for start in range(0, len(values), size):
            rest = yield from process(values[start : start + size])
            while rest:
                slow_down()
                rest = yield from self._with_progress(process, rest)

    def _with_progress(
        self, process: Callable[[Batch], Plan[Connection, Batch]], batch: Batch
    ) -> Plan[Connection, Batch]:
        """Process a batch again, for `timeout` seconds, while the service processes nothing."""
        settings = self.settings

        def attempt() -> Plan[Connection, Batch]:
            rest = yield from process(batch)
            if len(rest) >= len(batch):
                raise _NoProgressError(
                    f"{settings.server}: the throughput is used up, batches made no progress for "
                    f"{settings.timeout:g} s: raise the table's capacity, or use on-demand billing"
                )
            return rest

        return retry(
            attempt,
            _judge_progress,
            policy=RetryPolicy(settings.timeout, first_pause=0.05, longest_pause=2.0),
            sleep=sleep,
            server=settings.server,
        )


def judge_write(error: Exception, attempt: int) -> Retryable | None:
    """Repeat a request only if the answer says that it had no effect."""
    meaning = meaning_of(error)
    is_retryable = meaning is not None and meaning.is_without_effect
    return _retryable(meaning, error, attempt) if is_retryable else None


def sleep(seconds: float) -> Plan[Connection, None]:
    """Wait, on the thread of the call."""
    return call(lambda _: time.sleep(seconds))


def _request(action: str, request: dict[str, Any]) -> Plan[Connection, Any]:
    return (yield lambda connection: connection.send(action, **request))


def _judge_idempotent(error: Exception, attempt: int) -> Retryable | None:
    meaning = meaning_of(error)
    is_retryable = meaning is not None and meaning.is_busy
    return _retryable(meaning, error, attempt) if is_retryable else None


def _retryable(meaning: Meaning | None, error: Exception, attempt: int) -> Retryable | None:
    # If nothing listens, `patience` decides how long to repeat the call.
    if meaning is None or is_unreachable(error):
        return None
    # One new connection shows whether only the old one was dead; more would wait longer.
    if is_timeout(error) and attempt > 1:
        return None
    return Retryable(meaning.text)


def _judge_progress(error: Exception, _: int) -> Retryable | None:
    is_retryable = isinstance(error, _NoProgressError)
    return Retryable("the throughput is used up") if is_retryable else None


def _of_only_table(by_table: Mapping[str, Any] | None) -> Any:
    """Return an answer's part about the only table, which may have its name instead of its ARN."""
    return next(iter(by_table.values()), None) if by_table else None
