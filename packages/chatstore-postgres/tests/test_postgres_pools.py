"""A store whose connections are all lent says so in time."""

from __future__ import annotations

import asyncio

import pytest
from postgres_harness import PostgresHarness, pooled
from postgres_servers import PostgresServer

from chatstore.core import ChatMessage, ChatStore, StoreUnavailableError
from chatstore.postgres import PostgresChatStore


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_store_says_that_no_connection_became_free(
    newest_server: PostgresServer, colour: str
) -> None:
    harness = PostgresHarness(newest_server)
    message = ChatMessage(role="user", content="a")

    async def scenario(store: ChatStore) -> None:
        async with pooled(store).async_client._acquire():
            (await pooled(store).loop_pools.get())._timeout = 0.2  # none was needed to connect
            await store.async_add_message("k", message)

    with PostgresChatStore.from_uri(
        harness.url, table_name=harness.table, max_connections=1
    ) as store:
        pooled(store).pool._timeout = 0.2
        if colour == "sync":
            with (
                pooled(store).pool.session(),
                pytest.raises(StoreUnavailableError, match="max_connections"),
            ):
                store.add_message("k", message)
        else:
            with pytest.raises(StoreUnavailableError, match="max_connections"):
                asyncio.run(scenario(store))


def test_an_idle_connection_holds_on_to_no_messages(newest_server: PostgresServer) -> None:
    harness = PostgresHarness(newest_server)
    with PostgresChatStore.from_uri(harness.url, table_name=harness.table) as store:
        store.set_messages("k", [ChatMessage(role="user", content=text) for text in "ab"])
        assert len(store.get_messages("k")) == 2
        with pooled(store).pool.session() as session:
            assert session._cursor.pgresult is None
        store.add_message("k", ChatMessage(role="user", content="c"))
        with pooled(store).pool.session() as session:
            assert session._cursor.pgresult is not None  # the answer to an append is kept
