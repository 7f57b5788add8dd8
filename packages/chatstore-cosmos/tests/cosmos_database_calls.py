"""Runs plans of a database in one mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from chatstore.core.backend import Plan, async_run, run
from chatstore.cosmos.clients import CosmosClients
from chatstore.cosmos.container import Container

Call = Callable[[Plan[Container, Any]], Any]


def calls(clients: CosmosClients, *, is_async: bool) -> Iterator[Call]:
    """Provide a function that runs plans."""
    if not is_async:
        yield lambda plan: run(plan, clients.get())
        return
    loop = asyncio.new_event_loop()

    async def call(plan: Plan[Container, Any]) -> Any:
        return await async_run(plan, await clients.async_get())

    yield lambda plan: loop.run_until_complete(call(plan))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
