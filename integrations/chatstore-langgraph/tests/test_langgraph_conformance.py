"""LangGraph's own suite passes on every kind of store: all 81 tests, none is skipped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate

from chatstore.core import ChatStore, open_store
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


def test_dynamodb(new_dynamodb_store: Callable[[], ChatStore]) -> None:
    check(new_dynamodb_store)  # a table for each of the suite's eight parts: some read all threads
