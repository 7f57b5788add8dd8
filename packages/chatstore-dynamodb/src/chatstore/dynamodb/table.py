"""The table: made by request only, as LlamaIndex's documentation makes it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

_SECONDS = 2
_POLLS = 60


def create(client: Any, table: str, primary_key: str, ttl_attribute: str) -> None:
    """Create the table if it is missing, wait until it is active, and switch its TTL on."""
    # It exists, or another process makes it now.
    with suppress(client.exceptions.ResourceInUseException):
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": primary_key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": primary_key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    waiter = client.get_waiter("table_exists")
    waiter.wait(TableName=table, WaiterConfig={"Delay": _SECONDS, "MaxAttempts": _POLLS})
    if _ttl_status(client, table) == "DISABLED":
        client.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl_attribute},
        )


def _ttl_status(client: Any, table: str) -> str:
    description = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return str(description["TimeToLiveStatus"])
