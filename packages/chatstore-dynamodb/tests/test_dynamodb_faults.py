"""Lost replies, throttling and partial batches: each message is stored once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError
from dynamodb_server import DynamoDBServer

from chatstore.conditional import HeadWrite
from chatstore.core import ChatMessage, StoreUnavailableError
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.dynamodb.backend import DynamoDBBackend

APPENDS = 1000


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def contents(messages: Iterable[ChatMessage]) -> list[str]:
    return [str(stored.content) for stored in messages]


@pytest.fixture
def store(server: DynamoDBServer) -> Iterator[DynamoDBChatStore]:
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url, timeout=60) as store:
        yield store


def test_a_thousand_appends_under_lost_replies(
    store: DynamoDBChatStore, server: DynamoDBServer
) -> None:
    server.set_fault(every=10, lose=True)
    expected = [str(number) for number in range(APPENDS)]
    for text in expected[::2]:
        store.add_message("sync", message(text))

    async def append() -> None:
        for text in expected[1::2]:
            await store.async_add_message("async", message(text))

    asyncio.run(append())
    server.set_fault()
    faults = sum(entry["action"] == "fault" for entry in server.log())
    assert faults >= APPENDS // 10
    assert contents(store.get_messages("sync")) == expected[::2]
    assert contents(store.get_messages("async")) == expected[1::2]


def test_every_write_takes_effect_once_under_lost_replies(
    store: DynamoDBChatStore, server: DynamoDBServer
) -> None:
    store.set_messages("k", [message(text) for text in "abc"])
    server.set_fault(every=2, lose=True)
    store.add_message("k", message("d"))
    store.add_messages("k", [message("e"), message("f")])
    store.add_message("k", message("first"), 0)
    removed = [store.delete_message("k", 1), store.delete_last_message("k")]
    assert contents(filter(None, removed)) == ["a", "f"]
    assert contents(store.get_messages("k")) == ["first", "b", "c", "d", "e"]
    store.set_messages("k", [message("new")])
    assert store.count_messages("k") == 1
    store.delete_messages("k")
    server.set_fault()
    assert store.get_keys() == []


def test_a_refusal_of_a_repeated_request_is_not_a_refusal(server: DynamoDBServer) -> None:
    table = server.new_table()
    # The caller's client may send requests again.
    client = boto3.client("dynamodb", endpoint_url=server.url)
    backend = DynamoDBChatStore(table, client=client).backend
    assert isinstance(backend, DynamoDBBackend)

    def write(key: str) -> str | None:
        return backend.run(backend.database.commit(key, HeadWrite(None, "head")))

    assert write("a") is not None
    assert write("a") is None
    server.set_fault(every=1, lose=True, times=1)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        write("b")


def test_sixteen_writers_on_one_key(server: DynamoDBServer) -> None:
    table = server.new_table()

    def append(writer: int) -> None:
        with DynamoDBChatStore(table, endpoint_url=server.url) as own:
            for number in range(8):
                own.add_message("k", message(f"{writer} {number}"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(append, range(16)))
    with DynamoDBChatStore(table, endpoint_url=server.url) as store:
        result = contents(store.get_messages("k"))
    assert len(result) == 16 * 8
    for writer in range(16):
        own = [text for text in result if text.startswith(f"{writer} ")]
        assert own == [f"{writer} {number}" for number in range(8)]


def test_partial_batches_are_completed(store: DynamoDBChatStore, server: DynamoDBServer) -> None:
    server.set_fault(every=2, partial=True, actions=["BatchWriteItem", "BatchGetItem"])
    messages = [message(str(number)) for number in range(300)]
    store.set_messages("k", messages)
    assert store.get_messages("k") == messages
    server.set_fault()
    assert store.get_messages("k") == messages


def test_throttling_is_waited_out(store: DynamoDBChatStore, server: DynamoDBServer) -> None:
    body = '{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
    server.set_fault(every=2, answer=[400, body])
    for number in range(10):
        store.add_message("k", message(str(number)))
    server.set_fault()
    assert contents(store.get_messages("k")) == [str(number) for number in range(10)]


def test_endless_throttling_is_an_error(server: DynamoDBServer) -> None:
    body = '{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
    with DynamoDBChatStore(
        server.new_table(), endpoint_url=server.url, timeout=1, patience=1
    ) as store:
        server.set_fault(every=1, answer=[400, body])
        with pytest.raises(StoreUnavailableError):
            store.add_message("k", message("a"))


def test_silence_is_an_error(server: DynamoDBServer) -> None:
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url, timeout=0.2) as store:
        server.set_fault(every=1, hang=3)
        with pytest.raises(StoreUnavailableError):
            store.count_messages("k")


@pytest.mark.short_timeout(0.3)
def test_batches_without_progress_are_an_error(server: DynamoDBServer) -> None:
    table = server.new_table()
    with DynamoDBChatStore(table, endpoint_url=server.url) as patient:
        patient.set_messages("k", [message(str(number)) for number in range(3)])
    with DynamoDBChatStore(table, endpoint_url=server.url, timeout=0.3, patience=0) as store:
        server.set_fault(every=1, partial="all", actions=["BatchGetItem"])
        with pytest.raises(StoreUnavailableError, match=r"no progress for 0\.3 s"):
            store.get_messages("k")


@pytest.mark.parametrize(("patience", "requests"), [(0, 1), (30, 3)])
def test_patience_limits_repetitions(
    server: DynamoDBServer, patience: float, requests: int
) -> None:
    body = '{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}'
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url, patience=patience) as store:
        store.add_message("k", message("a"))
        server.log()
        server.set_fault(every=1, answer=[400, body], times=requests - 1 or 1)
        if patience:
            store.add_message("k", message("b"))
        else:
            with pytest.raises(StoreUnavailableError):
                store.add_message("k", message("b"))
    sent = [entry for entry in server.log() if entry["action"] != "fault"]
    assert len(sent) == requests
