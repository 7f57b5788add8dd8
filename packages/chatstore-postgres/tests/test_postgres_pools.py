"""A store whose connections are all in use, and what an idle connection keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest
from postgres_calling import message
from postgres_harness import PostgresHarness, pooled
from postgres_servers import PostgresServer

from chatstore.core import ChatStore, StoreUnavailableError
from chatstore.postgres import PostgresChatStore


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_store_whose_connections_are_all_in_use(newest_server: PostgresServer, mode: str) -> None:
    harness = PostgresHarness(newest_server)

    async def scenario(store: ChatStore) -> None:
        async with pooled(store).async_client._acquire():
            (await pooled(store).loop_pools.get())._timeout = 0.2  # not while connecting
            await store.async_add_message("k", message("a"))

    with PostgresChatStore.from_uri(
        harness.url, table_name=harness.table, max_connections=1
    ) as store:
        pooled(store).pool._timeout = 0.2
        if mode == "sync":
            with (
                pooled(store).pool.session(),
                pytest.raises(StoreUnavailableError, match="max_connections"),
            ):
                store.add_message("k", message("a"))
        else:
            with pytest.raises(StoreUnavailableError, match="max_connections"):
                asyncio.run(scenario(store))


def test_an_idle_connection_keeps_no_messages(newest_server: PostgresServer) -> None:
    harness = PostgresHarness(newest_server)
    with PostgresChatStore.from_uri(harness.url, table_name=harness.table) as store:
        store.set_messages("k", [message("a"), message("b")])
        assert len(store.get_messages("k")) == 2
        with pooled(store).pool.session() as session:
            assert session._transformer.pgresult is None


def test_the_first_async_call_opens_one_connection(
    newest_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = PostgresHarness(newest_server)
    opened: list[object] = []
    original = asyncpg.connect

    async def connect(**arguments: Any) -> object:
        opened.append(arguments)
        return await original(**arguments)

    async def scenario() -> None:
        async with harness.open() as store:
            assert await store.async_get_messages("k") == []
            assert await store.async_count_messages("k") == 0

    monkeypatch.setattr(asyncpg, "connect", connect)
    asyncio.run(scenario())
    assert len(opened) == 1
