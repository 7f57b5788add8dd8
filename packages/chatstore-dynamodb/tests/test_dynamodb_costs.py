"""The cost of calls does not depend on the length of a conversation.

Units are computed by the service's formula from requests and answers, see `dynamodb_units`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from costs import Cost, drivers
from dynamodb_server import DynamoDBServer

from chatstore.core import ChatMessage
from chatstore.dynamodb import DynamoDBChatStore

_NOTE = (
    "Measured with {drivers} against moto; units by the service's published formula from the "
    "items in requests and answers. Reads are strongly consistent."
)


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def cost_on(server: DynamoDBServer) -> Callable[[Callable[[], object]], Cost]:
    """Return a function that measures a call."""

    def cost(act: Callable[[], object]) -> Cost:
        server.log()
        act()
        log = server.log()

        def total(name: str) -> Any:
            return sum(entry.get(name, 0) for entry in log)

        units = {"write units": total("write"), "read units": total("read")}
        return Cost(len(log), total("sent"), total("received"), units)

    return cost


def test_costs_are_flat(server: DynamoDBServer, costs: Any) -> None:
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        note = _NOTE.format(drivers=drivers("chatstore-dynamodb", "boto3"))
        table = costs.measure("DynamoDB", store, cost_on(server), note=note)
        costs.measure_lists("DynamoDB", store, cost_on(server))

    for one in table["append"]:
        assert one.requests == 1
        assert one.units["write units"] <= 5
    for one in table["append with the caller's id"]:
        assert one.units["write units"] <= 7


@pytest.mark.parametrize("size", [1, 600, 800])
def test_write_units_of_small_appends(server: DynamoDBServer, size: int) -> None:
    cost = cost_on(server)
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        store.add_message("user:42", message("a"))
        for _ in range(30):
            result = cost(lambda: store.add_message("user:42", message("x" * size)))
            assert result.units["write units"] <= 5
            assert result.units["read units"] == 0
