"""The cost of calls does not depend on the length of a conversation.

Units are computed by the service's formula from requests and answers, see `dynamodb_units`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from costs import LENGTHS, Cost, drivers
from dynamodb_server import DynamoDBServer

from chatstore.core import ChatMessage
from chatstore.dynamodb import DynamoDBChatStore

_NOTE = (
    "Measured with {drivers} against moto; units by the service's published formula from the "
    "items in requests and answers. Reads are strongly consistent. moto copies the whole table for "
    "each transaction, so longer conversations and more of them are not measured."
)
_MOST_MESSAGES = 20_000
_MOST_OTHERS = 1_000 if os.environ.get("CHATSTORE_SOAK") else 100


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
    table_name, lengths = server.new_table(), [min(length, _MOST_MESSAGES) for length in LENGTHS]
    with DynamoDBChatStore(table_name, endpoint_url=server.url, timeout=300) as store:
        note = _NOTE.format(drivers=drivers("chatstore-dynamodb", "boto3"))
        table = costs.measure("DynamoDB", store, cost_on(server), note=note, lengths=lengths)
        costs.measure_lists("DynamoDB", store, cost_on(server), others=[10, _MOST_OTHERS])

    for one in table["append"]:
        assert one.requests == 1
        assert one.units["write units"] <= 5
    for one in table["append with the caller's id"]:
        assert one.units["write units"] <= 7


def test_an_append_costs_the_same_with_an_owner_and_metadata(server: DynamoDBServer) -> None:
    cost = cost_on(server)
    now = [1_000_000.0]
    with DynamoDBChatStore(
        server.new_table(), endpoint_url=server.url, clock=lambda: now[0]
    ) as store:
        store.add_message("plain", message("a"))
        store.create_conversation("k", owner="o" * 64, title="Title", metadata={"a": "x" * 16_000})
        store.add_message("k", message("a"))
        now[0] += 59
        for key in ("plain", "k"):
            result = cost(partial(store.add_message, key, message("x" * 600)))
            assert (result.requests, result.units["write units"]) == (1, 4)
        now[0] += 2
        result = cost(lambda: store.add_message("k", message("x" * 600)))
        assert 1 < result.requests <= 5, "the entry in the owner's list is refreshed"
        result = cost(lambda: store.add_message("k", message("x" * 600)))
        assert (result.requests, result.units["write units"]) == (1, 4)


def test_a_list_takes_a_few_requests_after_many_refreshes(server: DynamoDBServer) -> None:
    cost = cost_on(server)
    now = [1_000_000.0]
    with DynamoDBChatStore(
        server.new_table(), endpoint_url=server.url, clock=lambda: now[0]
    ) as store:
        for number in range(30):
            store.create_conversation(f"k{number}", owner="ann")
        for step in range(150):
            now[0] += 61
            store.add_message(f"k{step * 7 % 30}", message("a"))
        assert cost(lambda: store.list_conversations(owner="ann")).requests <= 5
        listed = [one.key for one in store.list_conversations(owner="ann").conversations]
        assert listed[:3] == [f"k{step * 7 % 30}" for step in (149, 148, 147)]
        assert len(listed) == 30


@pytest.mark.parametrize("size", [1, 600, 800])
def test_write_units_of_small_appends(server: DynamoDBServer, size: int) -> None:
    cost = cost_on(server)
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        store.add_message("user:42", message("a"))
        for _ in range(30):
            result = cost(lambda: store.add_message("user:42", message("x" * size)))
            assert result.units["write units"] <= 5
            assert result.units["read units"] == 0
