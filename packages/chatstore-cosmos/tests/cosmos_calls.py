"""Calls of the SDK as the tests of the double make them."""

from __future__ import annotations

from azure.cosmos import exceptions

FAILED = exceptions.CosmosHttpResponseError


def item(item_id, key="a", **fields):
    return {"id": item_id, "conversation": key, **fields}


def status(call, *args, **kwargs):
    """Return the status that a call ends with; 200, where it succeeds."""
    try:
        call(*args, **kwargs)
    except (FAILED, exceptions.CosmosBatchOperationError) as error:
        return error.status_code
    return 200


def batch_statuses(container, operations, key="a"):
    try:
        results = container.execute_item_batch(operations, partition_key=key)
    except exceptions.CosmosBatchOperationError as error:
        results = error.operation_responses
    return [result["statusCode"] for result in results]


def ids(container, condition="true = true", key="a", **parameters):
    found = container.query_items(
        f"SELECT VALUE c.id FROM c WHERE {condition}",
        parameters=[{"name": f"@{name}", "value": value} for name, value in parameters.items()],
        partition_key=key,
    )
    return sorted(found)
