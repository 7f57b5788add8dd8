"""LangGraph's own suite passes on every kind of store: all 81 tests, none is skipped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate

from chatstore.core import ChatStore, open_store
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.langgraph import ChatStoreSaver


def check(make: Callable[[], ChatStore]) -> None:
    """Run the suite over the stores that a function makes."""

    @checkpointer_test(name="ChatStoreSaver")
    async def saver() -> AsyncGenerator[BaseCheckpointSaver[Any], None]:
        async with make() as store:
            yield ChatStoreSaver(store)

    results = asyncio.run(validate(saver)).results
    assert [failure for result in results.values() for failure in result.failures] == []
    assert sum(result.tests_skipped for result in results.values()) == 0
    assert sum(result.tests_passed for result in results.values()) == 81


def test_each_store(each_store_url: str) -> None:
    check(lambda: open_store(each_store_url))


def test_dynamodb(dynamodb_server: Any) -> None:
    from dynamodb_server import KEYS, REGION

    def make() -> ChatStore:  # a table for each of the suite's eight parts: some read all threads
        return DynamoDBChatStore(
            dynamodb_server.new_table(),
            region_name=REGION,
            endpoint_url=dynamodb_server.url,
            aws_access_key_id=KEYS["aws_access_key_id"],
            aws_secret_access_key=KEYS["aws_secret_access_key"],
        )

    check(make)
