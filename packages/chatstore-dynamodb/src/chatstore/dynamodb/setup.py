"""Creates the table, and explains why a table does not accept the store's items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatstore.core import StoreAccessError, StoreSetupError, StoreUnavailableError
from chatstore.core.backend import Plan, Retryable, RetryPolicy, retry
from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import code_of, is_table_missing, meaning_of
from chatstore.dynamodb.settings import LAYOUT, Settings
from chatstore.dynamodb.table import Table, judge_write, sleep

PATIENCE = 120.0
"""Seconds to wait until a new table is active."""

_PAUSE = 1.0
_README = "see 'The table' in the README of chatstore-dynamodb"
Description = Mapping[str, Any]


class _NotActiveError(StoreUnavailableError):
    """The table is still being created."""


def create_table(table: Table) -> Plan[Connection, None]:
    """Create the table if it is missing, wait until it is active, and enable its TTL.

    Raises:
        StoreSetupError: There is a table of this name with another key, or its TTL uses another
            attribute.
        StoreUnavailableError: The table is not active after `PATIENCE` seconds.

    """
    settings = table.settings
    if (yield from _describe(table)) is None:
        try:
            key = {"AttributeName": settings.primary_key}
            request = {
                "TableName": settings.table,
                "KeySchema": [{**key, "KeyType": "HASH"}],
                "AttributeDefinitions": [{**key, "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            }
            yield from table.send("create_table", request, judge_write)
        except Exception as error:
            if code_of(error) != "ResourceInUseException":  # another process creates it now
                raise
    description = yield from retry(
        lambda: _describe_active(table),
        lambda error, _: Retryable(None, _PAUSE) if isinstance(error, _NotActiveError) else None,
        policy=RetryPolicy(PATIENCE),
        sleep=sleep,
        server=settings.server,
    )
    problem = _problem(description, settings)
    if problem is not None:
        raise StoreSetupError(f"{settings.server}: {problem}")
    yield from _enable_ttl(table)


def create_missing_table(table: Table) -> Plan[Connection, None]:
    """Create a table that is missing in a call that needs it.

    Raises:
        StoreSetupError: The credentials do not permit it.

    """
    try:
        yield from create_table(table)
    except Exception as error:
        meaning = meaning_of(error)
        if meaning is None or meaning.kind is not StoreAccessError:
            raise
        raise StoreSetupError(
            f"{table.settings.server}: there is no such table, and creating it failed: "
            f"{meaning.text}; or call setup() once with credentials that permit it"
        ) from error


def setup_error(table: Table, text: str) -> Plan[Connection, StoreSetupError | None]:
    """Return why a table does not accept the store's requests; ``None``: it looks right.

    Args:
        table: The table.
        text: What is expected, for credentials that do not permit to describe the table.

    """
    server = table.settings.server
    try:
        description = yield from _describe(table)
    except Exception as error:
        if meaning_of(error) is None:
            raise
        return StoreSetupError(f"{server}: {text}")
    if description is None:
        return StoreSetupError(f"{server}: the table does not exist any more")
    problem = _problem(description, table.settings)
    return None if problem is None else StoreSetupError(f"{server}: {problem}")


def _describe(table: Table) -> Plan[Connection, Description | None]:
    try:
        answer = yield from table.send("describe_table", {"TableName": table.settings.table})
    except Exception as error:
        if is_table_missing(error):
            return None
        raise
    description: Description = answer["Table"]
    return description


def _describe_active(table: Table) -> Plan[Connection, Description]:
    description = yield from _describe(table)
    if description is None or description.get("TableStatus") not in {"ACTIVE", "UPDATING"}:
        raise _NotActiveError(
            f"{table.settings.server}: the table is not active after {PATIENCE:g} s; try again"
        )
    return description


def _problem(description: Description, settings: Settings) -> str | None:
    types = {
        item["AttributeName"]: item["AttributeType"]
        for item in description.get("AttributeDefinitions", ())
    }
    keys = [(item["AttributeName"], item["KeyType"]) for item in description["KeySchema"]]
    if keys != [(settings.primary_key, "HASH")] or types.get(settings.primary_key) != "S":
        expected = f"a partition key {settings.primary_key!r} of type S (string) and no sort key"
        actual = ", ".join(
            f"a {'partition' if kind == 'HASH' else 'sort'} key {name!r} of type {types.get(name)}"
            for name, kind in keys
        )
        remedy = "use another table"
        if len(keys) == 1 and types.get(keys[0][0]) == "S" and keys[0][0] not in LAYOUT:
            remedy = f"pass primary_key={keys[0][0]!r}, or use another table"
        return f"expected {expected}, but it has {actual}: {remedy}; {_README}"
    own = {*LAYOUT, settings.ttl_attribute}
    for index in description.get("GlobalSecondaryIndexes", ()):
        clashes = [i["AttributeName"] for i in index["KeySchema"] if i["AttributeName"] in own]
        if clashes:
            return (
                "expected no index on the store's attributes, but there is the index "
                f"{index['IndexName']!r} on {clashes[0]!r}: use another table; {_README}"
            )
    return None


def _enable_ttl(table: Table) -> Plan[Connection, None]:
    settings = table.settings
    status = yield from _describe_ttl(table)
    if status["TimeToLiveStatus"] == "DISABLED":
        try:
            request = {
                "TableName": settings.table,
                "TimeToLiveSpecification": {
                    "Enabled": True,
                    "AttributeName": settings.ttl_attribute,
                },
            }
            yield from table.send("update_time_to_live", request, judge_write)
        except Exception:
            # Another process may have enabled it meanwhile, which DynamoDB refuses to repeat.
            status = yield from _describe_ttl(table)
            if status["TimeToLiveStatus"] == "DISABLED":
                raise
        else:
            return
    name = status.get("AttributeName", settings.ttl_attribute)
    if name != settings.ttl_attribute:
        raise StoreSetupError(
            f"{settings.server}: expected the table's TTL on {settings.ttl_attribute!r}, but it is "
            f"on {name!r}: pass ttl_attribute={name!r}, or change the table's TTL"
        )


def _describe_ttl(table: Table) -> Plan[Connection, Description]:
    answer = yield from table.send("describe_time_to_live", {"TableName": table.settings.table})
    description: Description = answer["TimeToLiveDescription"]
    return description
