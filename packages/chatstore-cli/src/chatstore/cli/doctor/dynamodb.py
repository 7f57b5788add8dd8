"""What can be examined of a DynamoDB table, through the store's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chatstore.cli.doctor.findings import Finding, guarded, ok, warn

if TYPE_CHECKING:
    from chatstore.core import ChatStore
    from chatstore.core.backend import Backend, Plan


def examine(store: ChatStore, url: str) -> Iterator[Finding]:
    """Yield findings; each request needs a right that the store itself does not."""
    from chatstore.dynamodb.url import read_url

    table, _ = read_url(url)
    yield from guarded("table", lambda: _table(store, table))
    yield from guarded("TTL", lambda: _ttl(store, table))
    yield from guarded("backups", lambda: _backups(store, table))


def _table(store: ChatStore, table: str) -> Iterator[Finding]:
    description = store.run("doctor", _send, "describe_table", table)["Table"]
    mode = description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    yield ok("table", f"{description['TableStatus']}, {mode}")
    if not description.get("DeletionProtectionEnabled"):
        yield warn("protection", "the table can be deleted", "enable deletion protection")


def _ttl(store: ChatStore, table: str) -> Iterator[Finding]:
    answer = store.run("doctor", _send, "describe_time_to_live", table)
    status = answer["TimeToLiveDescription"]["TimeToLiveStatus"]
    if status in {"ENABLED", "ENABLING"}:
        yield ok("TTL", "the service deletes expired items")
    else:
        yield warn(
            "TTL",
            "expired conversations are invisible, but keep their space",
            "enable TTL on the attribute that chatstore-dynamodb's README names",
        )


def _backups(store: ChatStore, table: str) -> Iterator[Finding]:
    answer = store.run("doctor", _send, "describe_continuous_backups", table)
    recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
        yield ok("backups", "point-in-time recovery is enabled")
    else:
        yield warn("backups", "point-in-time recovery is disabled", "enable it for the table")


def _send(_: Backend[Any], action: str, table: str) -> Plan[Any, Any]:
    from chatstore.core.backend import call

    return call(lambda connection: connection.send(action, TableName=table))
