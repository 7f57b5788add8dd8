"""Conditional writes: of one item where that suffices, else a transaction.

A transaction takes twice the write units
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html). boto3
gives each a token, by which the service recognises boto3's own repetitions for ten minutes; the
store recognises its own, of a later attempt, by what the head says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import code_of, reasons_of, was_sent_again
from chatstore.dynamodb.sending import send_once
from chatstore.dynamodb.sizes import Item
from chatstore.dynamodb.table import Layout

_REFUSED = "ConditionalCheckFailed"


def write(
    connection: Connection,
    layout: Layout,
    item: Item,
    condition: Mapping[str, Any],
    puts: Sequence[Item] = (),
    deletes: Sequence[Item] = (),
) -> bool:
    """Put an item on a condition, and with it put and delete others; all or nothing.

    Args:
        connection: To boto3's client.
        layout: The table.
        item: What the condition is about.
        condition: ``ConditionExpression`` and what belongs to it.
        puts: Further items.
        deletes: Keys of further items.

    Returns:
        Whether it took effect.

    Raises:
        ClientError: Also where the condition does not hold, if the client sent the request more
            than once: the refusal may be about what the first request wrote.

    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - loaded with the client

    table = layout.name
    try:
        if not puts and not deletes:
            send_once(
                connection, layout.server, "put_item", TableName=table, Item=item, **condition
            )
        else:
            send_once(
                connection,
                layout.server,
                "transact_write_items",
                TransactItems=[
                    {"Put": {"TableName": table, "Item": item, **condition}},
                    *({"Put": {"TableName": table, "Item": other}} for other in puts),
                    *({"Delete": {"TableName": table, "Key": key}} for key in deletes),
                ],
            )
    except ClientError as error:
        if not _is_refused(error) or was_sent_again(error):
            raise
        return False
    return True


def delete(connection: Connection, layout: Layout, key: Item, condition: Mapping[str, Any]) -> None:
    """Delete an item on a condition."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - loaded with the client

    try:
        send_once(
            connection, layout.server, "delete_item", TableName=layout.name, Key=key, **condition
        )
    except ClientError as error:
        if not _is_refused(error):
            raise


def _is_refused(error: Exception) -> bool:
    return code_of(error) == _REFUSED + "Exception" or _REFUSED in reasons_of(error)
