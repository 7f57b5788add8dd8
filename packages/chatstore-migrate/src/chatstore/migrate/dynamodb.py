"""Read conversations from DynamoDB: one item per conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from chatstore.migrate.clients import check_client


class DynamoDBItems:
    """Reads a table with an item per conversation, which has a list of messages."""

    def __init__(
        self, table: Any, *, primary_key: str = "SessionId", attribute: str = "History"
    ) -> None:
        """Use a table; nothing is read yet.

        Args:
            table: boto3's ``Table`` resource; it is never closed.
            primary_key: The attribute with the conversation's key.
            attribute: The attribute with the messages.

        """
        self._table = check_client(
            table,
            "table",
            ("scan", "get_item", "key_schema"),
            'a Table of boto3: boto3.resource("dynamodb").Table(name)',
        )
        self._primary_key = primary_key
        self._attribute = attribute

    def keys(self) -> Iterator[str]:
        """Return the keys of all conversations."""
        start: dict[str, Any] = {}
        while True:
            response = self._table.scan(
                ProjectionExpression="#key",
                ExpressionAttributeNames={"#key": self._primary_key},
                ConsistentRead=True,
                **start,
            )
            yield from (item[self._primary_key] for item in response["Items"])
            if "LastEvaluatedKey" not in response:
                return
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        response = self._table.get_item(Key={self._primary_key: key}, ConsistentRead=True)
        for value in response.get("Item", {}).get(self._attribute, []):
            yield json.loads(value) if isinstance(value, str) else _json_value(value)


def _json_value(value: Any) -> Any:
    """Return the JSON value for boto3's: it has its own classes for numbers and bytes."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _json_value(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if type(value).__module__ == "boto3.dynamodb.types":
        return value.value.decode()
    return value
