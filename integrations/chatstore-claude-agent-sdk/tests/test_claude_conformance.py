"""The SDK's own suite passes on every kind of store: all 14 contracts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from claude_agent_sdk.testing import run_session_store_conformance

from chatstore.claude_agent_sdk import ChatStoreSessions
from chatstore.core import ChatStore, open_store
from chatstore.core.layers import PrefixedBackend
from chatstore.dynamodb import DynamoDBChatStore


def check(make: Callable[[], ChatStore]) -> None:
    """Run the suite; each contract gets a store of its own."""

    async def suite() -> int:
        stores: list[ChatStore] = []

        def make_sessions() -> ChatStoreSessions:
            stores.append(make())
            return ChatStoreSessions(stores[-1])

        await run_session_store_conformance(make_sessions)
        for store in stores:
            await store.async_close()
        return len(stores)

    # One store for each contract, and one to see which methods there are: none was skipped.
    assert asyncio.run(suite()) == 15


def test_each_store(each_store_url: str) -> None:
    numbers = iter(range(100))

    def make() -> ChatStore:
        inner = open_store(each_store_url)
        return ChatStore(PrefixedBackend(inner.backend, f"tenant-{next(numbers)}/"))

    check(make)


def test_dynamodb(dynamodb_server: Any) -> None:
    from dynamodb_server import KEYS, REGION

    def make() -> ChatStore:
        return DynamoDBChatStore(
            dynamodb_server.new_table(),
            region_name=REGION,
            endpoint_url=dynamodb_server.url,
            aws_access_key_id=KEYS["aws_access_key_id"],
            aws_secret_access_key=KEYS["aws_secret_access_key"],
        )

    check(make)
