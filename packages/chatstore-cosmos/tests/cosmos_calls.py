"""Calls of the SDK as the tests of the double make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from azure.cosmos import ContainerProxy, exceptions

FAILED = exceptions.CosmosHttpResponseError


def item(item_id: str, key: str = "a", **fields: Any) -> dict[str, Any]:
    return {"id": item_id, "conversation": key, **fields}


def status(call: Callable[..., Any], *args: Any, **kwargs: Any) -> int | None:
    """Return the status that a call ends with; 200 if it succeeds."""
    try:
        call(*args, **kwargs)
    except (FAILED, exceptions.CosmosBatchOperationError) as error:
        return error.status_code
    return 200


def batch_statuses(
    container: ContainerProxy, operations: Sequence[Any], key: str = "a"
) -> list[int]:
    results: Any
    try:
        results = container.execute_item_batch(operations, partition_key=key)
    except exceptions.CosmosBatchOperationError as error:
        results = error.operation_responses
    return [result["statusCode"] for result in results]


def ids(
    container: ContainerProxy, condition: str = "true = true", key: str = "a", **parameters: Any
) -> list[Any]:
    """Return the ids of the items of a partition that a condition matches."""
    items: Any = container.query_items(
        f"SELECT VALUE c.id FROM c WHERE {condition}",
        parameters=[{"name": f"@{name}", "value": value} for name, value in parameters.items()],
        partition_key=key,
    )
    return sorted(items)
