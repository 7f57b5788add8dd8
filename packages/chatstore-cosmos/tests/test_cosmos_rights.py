"""All methods work with exactly the data actions of the README, which the double enforces."""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import time
from typing import Any

from azure.cosmos import CosmosClient, PartitionKey
from cosmos_double import CosmosDouble, Fault
from cosmos_requests import Request
from every_call import call_all

from chatstore.cosmos import CosmosChatStore

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
_ACCOUNT = "Microsoft.DocumentDB/databaseAccounts/"
_ITEMS = _ACCOUNT + "sqlDatabases/containers/items/"
_QUERY = _ACCOUNT + "sqlDatabases/containers/executeQuery"


def actions_of(request: Request) -> set[str]:
    """Return the data actions that a request needs.

    https://learn.microsoft.com/azure/cosmos-db/reference-data-plane-actions
    """
    if request.kind == "batch":
        return {_ITEMS + one["operationType"].lower() for one in json.loads(request.body)}
    if request.kind in {"query", "plan"}:
        return {_QUERY}
    if request.method == "GET" and request.kind in {"account", "database", "container", "ranges"}:
        return {_ACCOUNT + "readMetadata"}
    if request.kind in {"account", "database", "container"}:
        return {"a control plane action"}
    return {_ITEMS + request.kind}


def test_all_methods_work_with_exactly_the_actions_of_the_readme(
    double: CosmosDouble, client: CosmosClient
) -> None:
    client.create_database("chatstore").create_container(
        "messages", PartitionKey("/conversation"), default_ttl=-1
    )
    [role] = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    [permission] = role["Permissions"]
    allowed = set(permission["DataActions"])
    used: set[str] = set()

    def enforce(request: Request) -> Fault | None:
        needed = actions_of(request)
        used.update(needed)
        return None if needed <= allowed else Fault(403, substatus=5300)

    double.fault = enforce
    options: dict[str, Any] = {"create": False, "ttl": 3600}
    with CosmosChatStore.from_account_and_key(double.endpoint, double.key, **options) as store:
        call_all(store)
    options["clock"] = lambda: time() + 10 * 86_400
    with CosmosChatStore.from_account_and_key(double.endpoint, double.key, **options) as store:
        store.purge_expired()
    assert used == allowed
