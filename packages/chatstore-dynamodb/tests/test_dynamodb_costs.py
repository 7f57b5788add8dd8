"""What calls cost: the same at any length.

Units are counted by the service's formula from what was sent and answered: see dynamodb_units.
"""

from __future__ import annotations

import pytest
from costs import Cost, drivers

from chatstore.core import ChatMessage
from chatstore.dynamodb import DynamoDBChatStore

_NOTE = (
    "Measured with {drivers} against moto; units by the service's published formula from the "
    "items that were sent and answered. Reads are strongly consistent."
)


def say(text):
    return ChatMessage(role="user", content=text)


def cost_on(server):
    """Return what measures a call."""

    def cost(act):
        server.log()
        act()
        log = server.log()

        def total(name):
            return sum(entry.get(name, 0) for entry in log)

        units = {"write units": total("write"), "read units": total("read")}
        return Cost(len(log), total("sent"), total("received"), units)

    return cost


def test_costs_are_flat(server, costs):
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        note = _NOTE.format(drivers=drivers("chatstore-dynamodb", "boto3"))
        table = costs.measure("DynamoDB", store, cost_on(server), note=note)

    for one in table["append"]:
        assert one.requests == 1
        assert one.units["write units"] <= 5
    for one in table["append with the caller's id"]:
        assert one.units["write units"] <= 7


@pytest.mark.parametrize("size", [1, 600, 800])
def test_write_units_of_small_appends(server, size):
    cost = cost_on(server)
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        store.add_message("user:42", say("a"))
        for _ in range(30):
            found = cost(lambda: store.add_message("user:42", say("x" * size)))
            assert found.units["write units"] <= 5
            assert found.units["read units"] == 0
