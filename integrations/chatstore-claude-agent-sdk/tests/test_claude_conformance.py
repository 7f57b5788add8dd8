"""The SDK's own suite passes on every kind of store: all 14 contracts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from claude_agent_sdk.testing import run_session_store_conformance

from chatstore.claude_agent_sdk import ChatStoreSessions
from chatstore.core import ChatStore, open_store
from chatstore.core.layers import PrefixedBackend


def check(opened: ChatStore) -> None:
    """Run the suite; each contract gets a tenant of its own, which begins empty."""
    count = 0

    def make_sessions() -> ChatStoreSessions:
        nonlocal count
        count += 1
        return ChatStoreSessions(ChatStore(PrefixedBackend(opened.backend, f"tenant-{count}")))

    async def suite() -> None:
        async with opened:
            await run_session_store_conformance(make_sessions)

    asyncio.run(suite())
    # One for each contract, and one to see which methods there are: no contract was skipped.
    assert count == 15


def test_each_store(each_store_url: str) -> None:
    check(open_store(each_store_url))


def test_dynamodb(new_dynamodb_store: Callable[[], ChatStore]) -> None:
    check(new_dynamodb_store())
