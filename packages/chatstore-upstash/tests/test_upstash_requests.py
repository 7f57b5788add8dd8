"""The number and the size of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from upstash_double import UpstashDouble
from upstash_resp import Connection

from chatstore.core import ChatMemoryBuffer, MessageTooLargeError
from chatstore.core.testing.messages import message
from chatstore.redis_scripts import Attempt
from chatstore.upstash import UpstashChatStore
from chatstore.upstash.requests import MAX_REQUEST_BYTES
from chatstore.upstash.sdk import SdkClient

MIB = 2**20


@pytest.fixture
def store(double: UpstashDouble) -> Iterator[UpstashChatStore]:
    with UpstashChatStore(double.url, double.token) as store:
        yield store


ONE_REQUEST = {
    "append": lambda store: store.add_message("k", message("x")),
    "append with an id": lambda store: store.add_message("k", message("x", id="1")),
    "append a few": lambda store: store.add_messages("k", [message("x"), message("y")]),
    "newest": lambda store: store.get_messages("k", last=5),
    "window": lambda store: ChatMemoryBuffer.from_defaults(
        token_limit=100, chat_store=store, chat_store_key="k", tokenizer_fn=str.split
    ).get(),
    "count": lambda store: store.count_messages("k"),
    "delete last": lambda store: store.delete_last_message("k"),
    "put": lambda store: store.put_message("k", message("x", id="1")),
    "get by id": lambda store: store.get_message("k", "1"),
    "record": lambda store: store.get_conversation("k"),
    "snapshot": lambda store: store.snapshot("k", last=5),
    "delete": lambda store: store.delete_messages("k"),
    "missing": lambda store: store.get_messages("no", last=5),
}


@pytest.mark.parametrize("call", ONE_REQUEST.values(), ids=ONE_REQUEST)
def test_one_request(store: UpstashChatStore, double: UpstashDouble, call: Any) -> None:
    conversation = [message(f"{number} " + "word " * 20) for number in range(300)]
    before = 0
    for _ in range(2):  # the second time, the database knows the scripts
        store.set_messages("k", conversation)
        before = len(double.requests)
        call(store)
    assert [request.commands for request in double.requests[before:]] == [("EVALSHA",)]


def test_requests_of_owners_lists(store: UpstashChatStore, double: UpstashDouble) -> None:
    calls: list[tuple[Any, int]] = [
        (lambda: store.create_conversation("k", owner="ann"), 2),
        (lambda: store.add_message("k", message("x")), 1),
        (lambda: store.list_conversations(owner="ann"), 2),
        (lambda: store.delete_messages("k"), 2),
    ]
    for number in range(100):
        store.create_conversation(f"k{number}", owner="ann")
    counted: list[int] = []
    for _ in range(2):  # the second time, the database knows the scripts
        counted.clear()
        for call, _ in calls:
            before = len(double.requests)
            call()
            counted.append(len(double.requests) - before)
    assert counted == [requests for _, requests in calls]


def test_large_records_are_listed_in_parts(store: UpstashChatStore) -> None:
    """The double refuses larger answers; a quotation mark takes two bytes in them."""
    for number in range(230):
        metadata = {"text": '"' * 7_000 if number % 2 else "é" * 7_000}
        store.create_conversation(f"k{number}", owner="ann", title="\0" * 1000, metadata=metadata)
    page = store.list_conversations(owner="ann", limit=1000)
    assert len(page.conversations) == 230
    assert len(store.list_conversations(limit=1000).conversations) == 230


def test_one_async_request(store: UpstashChatStore, double: UpstashDouble) -> None:
    async def scenario() -> Any:
        await store.async_add_message("k", message("a"))
        await store.async_get_messages("k", last=1)
        before = len(double.requests)
        await store.async_add_message("k", message("b"))
        await store.async_get_messages("k", last=1)
        return before

    before = asyncio.run(scenario())
    assert [request.commands for request in double.requests[before:]] == [("EVALSHA",)] * 2


def test_unknown_script_costs_one_more_request_once(
    store: UpstashChatStore, double: UpstashDouble, redis: Connection
) -> None:
    redis.call(b"SCRIPT", b"FLUSH")
    for _ in range(2):
        store.add_message("k", message("x"))
    names = [request.commands for request in double.requests]
    assert names == [("EVALSHA",), ("EVAL",), ("EVALSHA",)]


@pytest.mark.parametrize(
    "text", ["x" * 5 * MIB, '"' * 2 * MIB, "\0" * MIB, "\U0001f600" * MIB], ids=repr
)
def test_large_messages_stay_below_the_limit(store: UpstashChatStore, text: str) -> None:
    """The double refuses larger requests and answers."""
    store.add_message("k", message(text))
    store.add_message("k", message("after"))
    assert [m.content for m in store.get_messages("k")] == [text, "after"]
    assert store.get_messages("k", last=2)[0].content == text
    store.set_messages("k", [message(text), message("after")])
    assert store.delete_message("k", 0) == message(text)
    store.add_message("k", message(text), 0)
    assert store.get_messages("k", last=2)[0].content == text


def test_large_conversation_is_set_and_read_in_parts(
    store: UpstashChatStore, double: UpstashDouble
) -> None:
    expected = [f"{number} " + "x" * 100_000 for number in range(250)]
    store.set_messages("k", [message(text) for text in expected])
    store.add_messages("k", [message(text) for text in expected])
    assert [m.content for m in store.get_messages("k")] == expected * 2
    assert [m.content for m in store.iter_messages("k", page_size=1000)] == expected * 2
    assert store.count_messages("k") == 500


def test_command_above_the_limit_is_not_sent() -> None:
    sent: list[list[str]] = []
    client = SdkClient(SimpleNamespace(execute=sent.append))
    for text in ("x" * MAX_REQUEST_BYTES, "\n" * (MAX_REQUEST_BYTES // 2), "é" * (5 * MIB)):
        with pytest.raises(MessageTooLargeError, match=str(MAX_REQUEST_BYTES)):
            client.scan("0", text, 1, Attempt())
    assert sent == []


def test_one_mode_reads_what_the_other_wrote(
    store: UpstashChatStore, double: UpstashDouble
) -> None:
    """Each request has the sync token of the previous answer, whichever client got it."""
    store.add_message("k", message("a"))
    known = len(double.requests)
    asyncio.run(store.async_count_messages("k"))
    asyncio.run(store.async_count_messages("k"))
    store.count_messages("k")
    tokens = [request.sync_token for request in double.requests]
    assert tokens[0] is None
    assert None not in tokens[1:]
    assert len(set(tokens)) == len(tokens)
    assert len(tokens) > known
