"""Lost answers, throttling and partial batches: each message is there, once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError

from chatstore.core import ChatMessage, StoreUnavailableError
from chatstore.dynamodb import DynamoDBChatStore, transactions

APPENDS = 1000


def say(text):
    return ChatMessage(role="user", content=text)


def texts(messages):
    return [message.content for message in messages]


@pytest.fixture
def store(server):
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url, timeout=5) as store:
        yield store


def test_a_thousand_appends_under_lost_replies(store, server):
    server.set_fault(every=10, lose=True)
    expected = [str(number) for number in range(APPENDS)]
    for text in expected[::2]:
        store.add_message("sync", say(text))

    async def append():
        for text in expected[1::2]:
            await store.async_add_message("async", say(text))

    asyncio.run(append())
    server.set_fault()
    faults = sum(entry["action"] == "fault" for entry in server.log())
    assert faults >= APPENDS // 10
    assert texts(store.get_messages("sync")) == expected[::2]
    assert texts(store.get_messages("async")) == expected[1::2]


def test_every_write_takes_effect_once_under_lost_replies(store, server):
    store.set_messages("k", [say(text) for text in "abc"])
    server.set_fault(every=2, lose=True)
    store.add_message("k", say("d"))
    store.add_messages("k", [say("e"), say("f")])
    store.add_message("k", say("first"), 0)
    assert store.delete_message("k", 1).content == "a"
    assert store.delete_last_message("k").content == "f"
    assert texts(store.get_messages("k")) == ["first", "b", "c", "d", "e"]
    store.set_messages("k", [say("new")])
    assert store.count_messages("k") == 1
    store.delete_messages("k")
    server.set_fault()
    assert store.get_keys() == []


def test_a_refusal_of_a_second_sending_is_not_taken_for_one(server):
    table = server.new_table()
    # A client that the caller brings may send requests again.
    client = boto3.client("dynamodb", endpoint_url=server.url)
    store = DynamoDBChatStore(table, client=client)
    connection = store._clients.get()
    condition = {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": "SessionId"},
    }

    def write(name):
        return transactions.write(connection, store._layout, {"SessionId": {"S": name}}, condition)

    assert write("a")
    assert not write("a")
    server.set_fault(every=1, lose=True, times=1)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        write("b")


def test_sixteen_writers_on_one_key(server):
    table = server.new_table()

    def append(writer):
        with DynamoDBChatStore(table, endpoint_url=server.url) as mine:
            for number in range(8):
                mine.add_message("k", say(f"{writer} {number}"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(append, range(16)))
    with DynamoDBChatStore(table, endpoint_url=server.url) as store:
        said = texts(store.get_messages("k"))
    assert len(said) == 16 * 8
    for writer in range(16):
        mine = [text for text in said if text.startswith(f"{writer} ")]
        assert mine == [f"{writer} {number}" for number in range(8)]


def test_partial_batches_are_followed_up(store, server):
    server.set_fault(every=2, partial=True, actions=["BatchWriteItem", "BatchGetItem"])
    messages = [say(str(number)) for number in range(300)]
    store.set_messages("k", messages)
    assert store.get_messages("k") == messages
    server.set_fault()
    assert store.get_messages("k") == messages


def test_throttling_is_waited_out(store, server):
    body = '{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
    server.set_fault(every=2, answer=[400, body])
    for number in range(10):
        store.add_message("k", say(str(number)))
    server.set_fault()
    assert texts(store.get_messages("k")) == [str(number) for number in range(10)]


def test_throttling_for_ever_ends(server, monkeypatch):
    monkeypatch.setattr(DynamoDBChatStore, "patience", 1.0)
    body = '{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url, timeout=1) as store:
        server.set_fault(every=1, answer=[400, body])
        with pytest.raises(StoreUnavailableError):
            store.add_message("k", say("a"))


def test_silence_ends(server):
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url, timeout=0.2) as store:
        server.set_fault(every=1, hang=3)
        with pytest.raises(StoreUnavailableError):
            store.count_messages("k")
