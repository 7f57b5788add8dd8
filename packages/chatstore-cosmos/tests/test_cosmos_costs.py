"""Calls cost the same at any length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cosmos_double import CosmosDouble
from costs import Cost, drivers

from chatstore.cosmos import CosmosChatStore

_NOTE = (
    "Measured with {drivers} against a double of the service, which estimates request units by "
    "size: the service's own differ, their flatness does not. Requests for documents count; "
    "those for the account's properties, a few for each client, do not."
)
_OF_THE_ACCOUNT = {"account", "database", "container", "ranges"}


def test_costs_are_flat(double: CosmosDouble, costs: Any) -> None:
    def cost(act: Callable[[], object]) -> Cost:
        double.requests.clear()
        act()
        requests = [one for one in double.requests if one.kind not in _OF_THE_ACCOUNT]
        return Cost(
            len(requests),
            sum(one.sent for one in requests),
            sum(one.received for one in requests),
            {"request units": round(sum(one.units for one in requests), 1)},
        )

    with CosmosChatStore.from_account_and_key(double.endpoint, double.key) as store:
        note = _NOTE.format(drivers=drivers("chatstore-cosmos", "azure-cosmos"))
        table = costs.measure("Cosmos DB", store, cost, note=note)
        lists = costs.measure_lists("Cosmos DB", store, cost)

    for one in table["append"]:
        assert (one.requests, one.units) == (1, {"request units": 10.0})
    assert lists["append"][0].units == {"request units": 10.0}
    assert len({one.units["request units"] for one in lists["list of 50"]}) == 1
    assert {one.requests for one in lists["list of 50"]} == {3}
