"""The table: made on request, and described where the service does not take the store's items."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from chatstore.core import StoreSetupError, StoreUnavailableError
from chatstore.dynamodb.address import LAYOUT
from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import code_of, meaning_of
from chatstore.dynamodb.sending import send

PATIENCE = 120.0
"""Seconds that `create` waits for the table to become active."""

_PAUSE = 1.0
_README = "see 'The table' in the README of chatstore-dynamodb"


class Layout(NamedTuple):
    """What the table must look like.

    Attributes:
        server: What messages call the table.
        name: The table's name or ARN.
        primary_key: The attribute of its partition key.
        ttl_attribute: The attribute that its TTL looks at.

    """

    server: str
    name: str
    primary_key: str
    ttl_attribute: str


def create(connection: Connection, layout: Layout) -> None:
    """Create the table if it is missing, wait until it is active, and switch its TTL on.

    Raises:
        StoreSetupError: There is a table of this name with another key, or whose TTL looks at
            another attribute.
        StoreUnavailableError: The table is not active after `PATIENCE` seconds.

    """
    description = _describe(connection, layout)
    if description is None:
        try:
            connection.send(
                "create_table",
                TableName=layout.name,
                KeySchema=[{"AttributeName": layout.primary_key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": layout.primary_key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        except Exception as error:
            if code_of(error) != "ResourceInUseException":  # another process makes it now
                raise
    deadline = time.monotonic() + PATIENCE
    while (description or {}).get("TableStatus") not in {"ACTIVE", "UPDATING"}:
        if time.monotonic() > deadline:
            raise StoreUnavailableError(
                f"{layout.server}: the table is not active after {PATIENCE:g} s; try again"
            )
        if description is not None:
            time.sleep(_PAUSE)
        description = _describe(connection, layout)
    problem = _problem(description or {}, layout)
    if problem is not None:
        raise StoreSetupError(f"{layout.server}: {problem}")
    _switch_ttl_on(connection, layout)


def setup_error(connection: Connection, layout: Layout, text: str) -> StoreSetupError | None:
    """Return what is wrong with a table that does not take the store's requests.

    ``None``: its description shows nothing wrong. Where the credentials do not permit to describe
    the table, the error says what is expected only.
    """
    try:
        description = _describe(connection, layout)
    except Exception as error:
        if meaning_of(error) is None:
            raise
        return StoreSetupError(f"{layout.server}: {text}")
    if description is None:
        return StoreSetupError(f"{layout.server}: there is no such table any more")
    problem = _problem(description, layout)
    return None if problem is None else StoreSetupError(f"{layout.server}: {problem}")


def _describe(connection: Connection, layout: Layout) -> Mapping[str, Any] | None:
    try:
        answer = send(connection, layout.server, "describe_table", TableName=layout.name)
    except Exception as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    description: Mapping[str, Any] = answer["Table"]
    return description


def _problem(description: Mapping[str, Any], layout: Layout) -> str | None:
    types = {
        item["AttributeName"]: item["AttributeType"]
        for item in description.get("AttributeDefinitions", ())
    }
    expected = f"a partition key {layout.primary_key!r} of type S (string) and no sort key"
    keys = [(item["AttributeName"], item["KeyType"]) for item in description["KeySchema"]]
    found = ", ".join(
        f"a {'partition' if kind == 'HASH' else 'sort'} key {name!r} of type {types.get(name)}"
        for name, kind in keys
    )
    if keys != [(layout.primary_key, "HASH")] or types.get(layout.primary_key) != "S":
        remedy = "use another table"
        if len(keys) == 1 and types.get(keys[0][0]) == "S" and keys[0][0] not in LAYOUT:
            remedy = f"pass primary_key={keys[0][0]!r}, or use another table"
        return f"expected {expected}, found {found}: {remedy}; {_README}"
    own = {*LAYOUT, layout.ttl_attribute}
    for index in description.get("GlobalSecondaryIndexes", ()):
        clashes = [i["AttributeName"] for i in index["KeySchema"] if i["AttributeName"] in own]
        if clashes:
            return (
                f"expected no index on the store's attributes, found the index "
                f"{index['IndexName']!r} on {clashes[0]!r}: use another table; {_README}"
            )
    return None


def _switch_ttl_on(connection: Connection, layout: Layout) -> None:
    answer = send(connection, layout.server, "describe_time_to_live", TableName=layout.name)
    description = answer["TimeToLiveDescription"]
    if description["TimeToLiveStatus"] == "DISABLED":
        connection.send(
            "update_time_to_live",
            TableName=layout.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": layout.ttl_attribute},
        )
        return
    name = description.get("AttributeName", layout.ttl_attribute)
    if name != layout.ttl_attribute:
        raise StoreSetupError(
            f"{layout.server}: expected the table's TTL on {layout.ttl_attribute!r}, found it on "
            f"{name!r}: pass ttl_attribute={name!r}, or change the table's TTL"
        )
