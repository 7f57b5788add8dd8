"""The README lists the rights that the requests of all methods need."""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import time
from typing import Any

from dynamodb_server import DynamoDBServer
from every_call import call_all

from chatstore.dynamodb import DynamoDBChatStore

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-apis-iam
ACTIONS = {"TransactWriteItems": {"PutItem", "DeleteItem"}}
FOR_TABLES = {"CreateTable", "DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive"}


def actions_of(log: list[dict[str, Any]]) -> set[str]:
    requested = {entry["action"] for entry in log}
    return set().union(*(ACTIONS.get(action, {action}) for action in requested))


def test_the_policy_has_what_all_methods_need_and_nothing_else(server: DynamoDBServer) -> None:
    [policy] = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    [statement] = policy["Statement"]
    allowed = {action.removeprefix("dynamodb:") for action in statement["Action"]}
    table = server.new_table()
    with DynamoDBChatStore(table, endpoint_url=server.url, ttl=3600) as store:
        call_all(store)
    later = lambda: time() + 10 * 86_400
    with DynamoDBChatStore(table, endpoint_url=server.url, ttl=3600, clock=later) as store:
        store.purge_expired()  # it deletes heads
    assert actions_of(server.log()) == allowed


def test_setup_needs_what_the_readme_says(server: DynamoDBServer) -> None:
    with DynamoDBChatStore("rights", endpoint_url=server.url) as store:
        store.setup()
    client = server.client()
    requested = actions_of(server.log())
    client.delete_table(TableName="rights")
    client.close()
    assert requested == FOR_TABLES
    assert all(f"`{action}`" in README for action in FOR_TABLES)
