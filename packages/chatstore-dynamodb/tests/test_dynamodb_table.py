"""The table: made on request, shared with others, and never asked for more than it takes."""

from __future__ import annotations

import pytest

from chatstore.core import ChatMessage
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.dynamodb.sizes import MAX_ITEM_BYTES, item_bytes


def say(text):
    return ChatMessage(role="user", content=text)


def test_create_table_makes_what_is_missing(server):
    with DynamoDBChatStore(
        "made-by-us", endpoint_url=server.url, primary_key="Id", ttl=60
    ) as store:
        store.create_table()
        store.create_table()
        store.add_message("k", say("a"))
        assert store.get_keys() == ["k"]
    client = server.client()
    description = client.describe_table(TableName="made-by-us")["Table"]
    assert description["KeySchema"] == [{"AttributeName": "Id", "KeyType": "HASH"}]
    ttl = client.describe_time_to_live(TableName="made-by-us")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "TTL"}
    client.delete_table(TableName="made-by-us")


def test_items_of_others_are_neither_listed_nor_touched(server):
    table = server.new_table()
    client = server.client()
    theirs = [
        {"SessionId": {"S": name}, "History": {"L": [{"S": "theirs"}]}}
        for name in ("k", "chatstore", "chatstore/", "other/head/k")
    ]
    for item in theirs:
        client.put_item(TableName=table, Item=item)
    with DynamoDBChatStore(table, endpoint_url=server.url, ttl=60) as store:
        assert store.get_messages("k") == []
        store.add_message("k", say("ours"))
        store.set_messages("chatstore/", [say("ours")] * 0 + [say("a"), say("b")])
        assert sorted(store.get_keys()) == ["chatstore/", "k"]
        store.delete_messages("k")
        store.delete_messages("chatstore/")
    for item in theirs:
        assert (
            client.get_item(TableName=table, Key={"SessionId": item["SessionId"]})["Item"] == item
        )


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", '"'])
def test_messages_about_an_item_and_a_transaction_in_size(server, letter):
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        for limit in (MAX_ITEM_BYTES, 4 * 1024 * 1024):
            for size in (limit - 2000, limit - 100, limit, limit + 1):
                message = say(letter * (size // len(letter.encode())))
                store.set_messages("k", [say("first")])
                store.add_message("k", message)
                assert store.get_messages("k", last=1) == [message]


def test_a_message_of_5_mib(server):
    message = say("x" * (5 * 1024 * 1024))
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        store.add_messages("k", [say("before"), message, say("after")])
        assert store.get_messages("k") == [say("before"), message, say("after")]
        assert store.delete_message("k", 1) == message


def test_item_bytes_are_those_of_the_service():
    item = {"SessionId": {"S": "é"}, "b": {"B": b"123"}, "T": {"N": "1800000000"}}
    assert item_bytes(item) >= 9 + 2 + 1 + 3 + 1 + 6
