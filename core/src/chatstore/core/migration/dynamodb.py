"""Conversations in DynamoDB, each a list within one item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from chatstore.core.migration.clients import check_client


class DynamoDBItems:
    """One item a conversation, whose attribute is the list of its messages."""

    def __init__(
        self, table: Any, *, primary_key: str = "SessionId", attribute: str = "History"
    ) -> None:
        """Take a table.

        Args:
            table: boto3's ``Table`` resource.
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
        more: dict[str, Any] = {}
        while True:
            answer = self._table.scan(
                ProjectionExpression="#key",
                ExpressionAttributeNames={"#key": self._primary_key},
                ConsistentRead=True,
                **more,
            )
            yield from (item[self._primary_key] for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages, oldest first."""
        answer = self._table.get_item(Key={self._primary_key: key}, ConsistentRead=True)
        for value in answer.get("Item", {}).get(self._attribute, []):
            yield json.loads(value) if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> Any:
    """Return JSON's values for boto3's: numbers are decimals, binary values an object."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if type(value).__module__ == "boto3.dynamodb.types":
        return value.value.decode()
    return value
