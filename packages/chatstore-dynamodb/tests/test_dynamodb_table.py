"""The table: created by the first call, shared with other programs, and within its limits."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from dynamodb_server import DynamoDBServer
from dynamodb_units import size_of

from chatstore.core import ChatMessage, StoreSetupError
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.dynamodb.database import MAX_ITEM_BYTES


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def call(store: DynamoDBChatStore, name: str, *args: Any, is_async: bool) -> Any:
    if is_async:
        return asyncio.run(getattr(store, f"async_{name}")(*args))
    return getattr(store, name)(*args)


def check_table(server: DynamoDBServer, name: str) -> None:
    """Check the table that a store has created, and delete it."""
    client = server.client()
    description = client.describe_table(TableName=name)["Table"]
    assert description["KeySchema"] == [{"AttributeName": "Id", "KeyType": "HASH"}]
    assert description["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "TTL"}
    client.delete_table(TableName=name)
    client.close()


def test_setup_creates_a_missing_table(server: DynamoDBServer) -> None:
    with DynamoDBChatStore(
        "set-up", endpoint_url=server.url, primary_key="Id", ttl=60, create=False
    ) as store:
        store.setup()
        asyncio.run(store.async_setup())
        store.add_message("k", message("a"))
        assert store.get_keys() == ["k"]
    check_table(server, "set-up")


@pytest.mark.parametrize("name", ["add_message", "add_messages", "get_messages", "get_keys"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_the_first_call_creates_a_missing_table(
    server: DynamoDBServer, name: str, is_async: bool
) -> None:
    arguments = {"add_message": ("k", message("a")), "get_messages": ("k",), "get_keys": ()}
    args = arguments.get(name, ("k", [message("a")]))
    with DynamoDBChatStore("created", endpoint_url=server.url, primary_key="Id") as store:
        call(store, name, *args, is_async=is_async)
        assert store.count_messages("k") == name.startswith("add")
    check_table(server, "created")


def test_first_calls_at_once_create_one_table(server: DynamoDBServer) -> None:
    options = {"endpoint_url": server.url, "primary_key": "Id"}
    stores = [DynamoDBChatStore("at-once", **options) for _ in range(8)]  # type: ignore[arg-type]
    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(lambda store: store.add_message("k", message("a")), stores))
    assert stores[0].count_messages("k") == len(stores)
    for store in stores:
        store.close()
    check_table(server, "at-once")


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_without_create_a_missing_table_is_an_error(server: DynamoDBServer, is_async: bool) -> None:
    with (
        DynamoDBChatStore("missing", endpoint_url=server.url, create=False) as store,
        pytest.raises(StoreSetupError, match=r"no such table.*setup\(\)"),
    ):
        call(store, "add_message", "k", message("a"), is_async=is_async)
    client = server.client()
    assert "missing" not in client.list_tables()["TableNames"]
    client.close()


@pytest.mark.parametrize("action", ["CreateTable", "DescribeTable", "UpdateTimeToLive"])
def test_without_the_rights_a_missing_table_is_an_error(
    server: DynamoDBServer, action: str
) -> None:
    body = '{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "secret"}'
    server.set_fault(every=1, actions=[action], answer=[400, body])
    with (
        DynamoDBChatStore("forbidden", endpoint_url=server.url) as store,
        pytest.raises(StoreSetupError, match=r"no such table.*permit.*setup\(\)") as caught,
    ):
        store.add_message("k", message("a"))
    assert "secret" not in str(caught.value)
    server.set_fault()
    client = server.client()
    if "forbidden" in client.list_tables()["TableNames"]:
        client.delete_table(TableName="forbidden")
    client.close()


def test_a_table_that_disappears_is_not_created_again(server: DynamoDBServer) -> None:
    table = server.new_table()
    client = server.client()
    with DynamoDBChatStore(table, endpoint_url=server.url) as store:
        store.add_message("k", message("a"))
        client.delete_table(TableName=table)
        with pytest.raises(StoreSetupError, match="no such table"):
            store.count_messages("k")
    assert table not in client.list_tables()["TableNames"]
    client.close()


def test_items_of_other_programs_are_neither_listed_nor_changed(server: DynamoDBServer) -> None:
    table = server.new_table()
    client = server.client()
    items = [
        {"SessionId": {"S": name}, "History": {"L": [{"S": "other"}]}}
        for name in ("k", "chatstore", "chatstore/", "other/head/k")
    ]
    for item in items:
        client.put_item(TableName=table, Item=item)
    with DynamoDBChatStore(table, endpoint_url=server.url, ttl=60) as store:
        assert store.get_messages("k") == []
        store.add_message("k", message("own"))
        store.set_messages("chatstore/", [message("a"), message("b")])
        assert sorted(store.get_keys()) == ["chatstore/", "k"]
        store.delete_messages("k")
        store.delete_messages("chatstore/")
    for item in items:
        assert (
            client.get_item(TableName=table, Key={"SessionId": item["SessionId"]})["Item"] == item
        )


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", '"'])
def test_messages_of_about_the_size_of_an_item_or_transaction(
    server: DynamoDBServer, letter: str
) -> None:
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        for limit in (MAX_ITEM_BYTES, 4 * 1024 * 1024):
            for size in (limit - 2000, limit - 100, limit, limit + 1):
                large = message(letter * (size // len(letter.encode())))
                store.set_messages("k", [message("first")])
                store.add_message("k", large)
                assert store.get_messages("k", last=1) == [large]


def test_a_message_of_5_mib(server: DynamoDBServer) -> None:
    large = message("x" * (5 * 1024 * 1024))
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        store.add_messages("k", [message("before"), large, message("after")])
        assert store.get_messages("k") == [message("before"), large, message("after")]
        assert store.delete_message("k", 1) == large


def test_sizes_of_items_are_those_of_the_service() -> None:
    item = {"SessionId": {"S": "é"}, "b": {"B": "MTIz"}, "T": {"N": "1800000001"}}
    assert size_of(item) == 9 + 2 + 1 + 3 + 1 + 6
