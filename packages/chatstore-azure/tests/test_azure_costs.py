"""Calls cost the same at any length."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from typing import Any

from azurite_server import ACCOUNT, KEY
from costs import LENGTHS, Cost, drivers
from tables_proxy import TablesProxy

from chatstore.azure import AzureChatStore

_NOTE = (
    "Measured with {drivers} against Azurite{more}, whose time grows with the square of a table's "
    "entities, so longer conversations are not measured. The service charges for requests."
)
_MOST_MESSAGES = 5_000 if os.environ.get("CHATSTORE_SOAK") else 2_000
_TIMEOUT = 300.0  # seconds: Azurite is slow
_MOST_OTHERS = 500 if os.environ.get("CHATSTORE_SOAK") else 100


def test_costs_are_flat(service: TablesProxy, costs: Any) -> None:
    def cost(act: Callable[[], object]) -> Cost:
        service.requests.clear()
        act()
        requests = service.requests
        sent = sum(one.sent for one in requests)
        return Cost(len(requests), sent, sum(one.received for one in requests), {})

    name, more = "Azure Table Storage", ""
    if service.table_api:
        name, more = "Cosmos DB's Table API", " behind a shim of the Table API's differences"
    lengths = [min(length, _MOST_MESSAGES) for length in LENGTHS]
    table = f"Chat{uuid.uuid4().hex}"
    with AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint, timeout=_TIMEOUT
    ) as store:
        note = _NOTE.format(drivers=drivers("chatstore-azure", "azure-data-tables"), more=more)
        table_of_costs = costs.measure(name, store, cost, note=note, lengths=lengths)
        lists = costs.measure_lists(name, store, cost, others=[10, _MOST_OTHERS])

    assert {one.requests for one in table_of_costs["append"]} == {1}
    assert {one.requests for one in lists["append"]} == {1}
    assert {one.requests for one in lists["list of 50"]} <= {52, 53, 54}
