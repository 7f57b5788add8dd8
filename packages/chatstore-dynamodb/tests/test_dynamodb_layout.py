"""Names that the layout uses are refused, and so are tables with another key."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from dynamodb_server import DynamoDBServer

from chatstore.core import ChatMessage, InvalidArgumentError, StoreSetupError
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.dynamodb.settings import LAYOUT

MakeTable = Callable[..., str]


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def contents(messages: Iterable[ChatMessage]) -> list[Any]:
    return [one.content for one in messages]


def call(store: DynamoDBChatStore, name: str, *arguments: Any, is_async: bool) -> Any:
    if is_async:
        return asyncio.run(getattr(store, f"async_{name}")(*arguments))
    return getattr(store, name)(*arguments)


@pytest.fixture
def make_table(server: DynamoDBServer) -> Iterator[MakeTable]:
    """Return a function that creates a table with some keys, and delete it afterwards."""
    client = server.client()
    names: list[str] = []

    def make(*keys: tuple[str, str], indexes: Iterable[tuple[str, str]] = ()) -> str:
        names.append(f"chats-{uuid.uuid4()}")
        attributes = dict([*keys, *indexes])
        roles = ["HASH", "RANGE"]
        options: dict[str, Any] = {}
        if indexes:
            options["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": f"by-{name}",
                    "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for name, _ in indexes
            ]
        client.create_table(
            TableName=names[-1],
            KeySchema=[
                {"AttributeName": name, "KeyType": role}
                for (name, _), role in zip(keys, roles, strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()
            ],
            BillingMode="PAY_PER_REQUEST",
            **options,
        )
        return names[-1]

    yield make
    for name in names:
        client.delete_table(TableName=name)
    client.close()


@pytest.mark.parametrize("name", LAYOUT)
@pytest.mark.parametrize("option", ["primary_key", "ttl_attribute"])
def test_names_of_the_layout_are_refused(option: Any, name: str) -> None:
    options: dict[str, Any] = {option: name}
    with pytest.raises(InvalidArgumentError, match=f"{option}.*'{name}'"):
        DynamoDBChatStore("chats", **options)


def test_the_layout_lists_all_attributes(server: DynamoDBServer) -> None:
    table = server.new_table()
    with DynamoDBChatStore(table, endpoint_url=server.url, ttl=60) as store:
        store.add_messages("k", [message("a"), ChatMessage(role="user", content="b", id="x")])
        store.set_messages("k", [message("x" * 500_000)])
        store.add_message("ended", message("a"))
        store.delete_messages("ended")
    client = server.client()
    items = client.scan(TableName=table)["Items"]
    client.close()
    assert {name for item in items for name in item} == {"SessionId", "TTL", *LAYOUT}


def test_one_name_for_both_options_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="differ"):
        DynamoDBChatStore("chats", primary_key="TTL")


# Not "a.b": moto takes it for a path, even behind a placeholder.
@pytest.mark.parametrize("name", ["Order", "a b", "#k", ":v", "é😀", "TTL", "x" * 255])
def test_any_other_name_of_the_key_works(
    server: DynamoDBServer, make_table: MakeTable, name: str
) -> None:
    options: dict[str, Any] = {
        "primary_key": name,
        "endpoint_url": server.url,
        "ttl_attribute": "expires",
    }
    with DynamoDBChatStore(make_table((name, "S")), **options) as store:
        store.add_messages("k", [message("a"), message("b")])
        assert contents(filter(None, [store.delete_last_message("k")])) == ["b"]
        assert contents(store.get_messages("k")) == ["a"]
        assert store.get_keys() == ["k"]


TABLES = {
    "another key": [("Id", "S")],
    "a number": [("SessionId", "N")],
    "bytes": [("SessionId", "B")],
    "a sort key": [("SessionId", "S"), ("Time", "S")],
    "a sort key named as the body": [("SessionId", "S"), ("b", "S")],
    "a sort key named as the version": [("SessionId", "S"), ("v", "S")],
    "a key named as the body": [("b", "S")],
    "a key named as the version": [("v", "S")],
    "a key named as the TTL": [("TTL", "S")],
}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("keys", TABLES.values(), ids=TABLES)
def test_tables_with_another_key_are_refused_before_anything_is_written(
    server: DynamoDBServer, make_table: MakeTable, keys: list[tuple[str, str]], is_async: bool
) -> None:
    table = make_table(*keys)
    calls: list[tuple[Any, ...]] = [
        ("add_message", "k", message("secret-content")),
        ("add_messages", "k", [message("a"), message("b")]),
        ("set_messages", "k", [message("a")]),
        ("get_messages", "k"),
        ("count_messages", "k"),
        ("delete_last_message", "k"),
    ]
    with DynamoDBChatStore(table, endpoint_url=server.url) as store:
        for name, *arguments in calls:
            with pytest.raises(StoreSetupError) as caught:
                call(store, name, *arguments, is_async=is_async)
            text = str(caught.value)
            assert "expected a partition key 'SessionId' of type S" in text
            assert f"key {keys[0][0]!r} of type {keys[0][1]}" in text
            assert "secret" not in text
    client = server.client()
    assert client.scan(TableName=table)["Count"] == 0
    client.close()


def test_the_name_of_the_key_is_advised(server: DynamoDBServer, make_table: MakeTable) -> None:
    table = make_table(("Id", "S"))
    with (
        DynamoDBChatStore(table, endpoint_url=server.url) as store,
        pytest.raises(StoreSetupError, match="pass primary_key='Id'"),
    ):
        store.count_messages("k")


@pytest.mark.parametrize("kind", ["S", "N"])
@pytest.mark.parametrize("name", LAYOUT)
def test_setup_refuses_indexes_on_the_layout(
    server: DynamoDBServer, make_table: MakeTable, name: str, kind: str
) -> None:
    table = make_table(("SessionId", "S"), indexes=[(name, kind)])
    with (
        DynamoDBChatStore(table, endpoint_url=server.url) as store,
        pytest.raises(StoreSetupError, match=f"by-{name}"),
    ):
        store.setup()


def test_a_write_refuses_indexes_on_the_layout(
    server: DynamoDBServer, make_table: MakeTable
) -> None:
    table = make_table(("SessionId", "S"), indexes=[("b", "N")])
    with (
        DynamoDBChatStore(table, endpoint_url=server.url) as store,
        pytest.raises(StoreSetupError, match="by-b"),
    ):
        store.add_message("k", message("a"))


@pytest.mark.parametrize("keys", TABLES.values(), ids=TABLES)
def test_setup_refuses_a_table_with_another_key(
    server: DynamoDBServer, make_table: MakeTable, keys: list[tuple[str, str]]
) -> None:
    with (
        DynamoDBChatStore(make_table(*keys), endpoint_url=server.url) as store,
        pytest.raises(StoreSetupError, match="expected a partition key"),
    ):
        store.setup()


def test_setup_refuses_a_ttl_on_another_attribute(
    server: DynamoDBServer, make_table: MakeTable
) -> None:
    table = make_table(("SessionId", "S"))
    client = server.client()
    client.update_time_to_live(
        TableName=table,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
    )
    client.close()
    with DynamoDBChatStore(table, endpoint_url=server.url) as store:
        with pytest.raises(StoreSetupError, match="ttl_attribute='expires'"):
            asyncio.run(store.async_setup())
        store.count_messages("k")
    with DynamoDBChatStore(table, ttl_attribute="expires", endpoint_url=server.url) as store:
        store.setup()


def test_stores_with_different_tables_are_independent(
    server: DynamoDBServer, make_table: MakeTable
) -> None:
    one, other = (
        DynamoDBChatStore(make_table(("SessionId", "S")), endpoint_url=server.url) for _ in range(2)
    )
    with one, other:
        one.add_message("k", message("one"))
        other.add_message("k", message("other"))
        assert contents(one.get_messages("k")) == ["one"]
        assert contents(other.get_messages("k")) == ["other"]
