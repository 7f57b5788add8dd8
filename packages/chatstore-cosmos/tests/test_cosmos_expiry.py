"""The service's TTL and `purge_expired` remove everything that ended conversations leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from cosmos_double import CosmosDouble
from expiry import DAY

from chatstore.core.testing.messages import message
from chatstore.cosmos import CosmosChatStore


@pytest.fixture
def store(double: CosmosDouble) -> Iterator[CosmosChatStore]:
    double.now = 1_800_000_000.0
    with CosmosChatStore.from_account_and_key(
        double.endpoint, double.key, ttl=60, clock=double.clock
    ) as store:
        yield store


def ids_in(client: CosmosClient) -> list[str]:
    container = client.get_database_client("chatstore").get_container_client("messages")
    items = container.query_items("SELECT c.id FROM c", enable_cross_partition_query=True)
    return [item["id"] for item in items]


def test_the_service_removes_what_a_deleted_conversation_leaves(
    double: CosmosDouble, client: CosmosClient, store: CosmosChatStore
) -> None:
    store.add_messages("k", [message(str(number), id=str(number)) for number in range(10)])
    store.delete_messages("k")
    assert ids_in(client) == ["head"]
    double.advance(3 * DAY - 1)
    assert ids_in(client) == ["head"]
    double.advance(1)
    assert ids_in(client) == []
    store.add_message("k", message("again"))
    assert [message.content for message in store.get_messages("k")] == ["again"]


def test_the_service_removes_nothing_that_may_be_read(
    double: CosmosDouble, client: CosmosClient, store: CosmosChatStore
) -> None:
    with CosmosChatStore.from_account_and_key(
        double.endpoint, double.key, clock=double.clock
    ) as forever:
        forever.add_message("k", message("a"))
        double.advance(1000 * DAY)
        assert forever.count_messages("k") == 1


def test_a_purge_and_the_service_leave_nothing(
    double: CosmosDouble, client: CosmosClient, store: CosmosChatStore
) -> None:
    store.add_messages("old", [message(str(number)) for number in range(30)])
    double.advance(61)
    store.add_message("new", message("stays"))
    store.purge_expired()
    assert len(ids_in(client)) == 1 + 3
    double.advance(3 * DAY)
    assert len(ids_in(client)) == 3
    store.purge_expired()
    double.advance(3 * DAY)
    assert ids_in(client) == []


def test_a_purge_alone_removes_it_if_the_container_has_no_ttl(
    double: CosmosDouble, client: CosmosClient, store: CosmosChatStore
) -> None:
    database = client.create_database("chatstore")
    database.create_container("messages", PartitionKey("/conversation"), default_ttl=None)
    store.add_message("k", message("a"))
    store.delete_messages("k")
    double.advance(3 * DAY)
    assert ids_in(client) == ["head"]
    store.purge_expired()
    assert ids_in(client) == []


def test_an_expired_conversation_leaves_its_owners_list(
    double: CosmosDouble, client: CosmosClient, store: CosmosChatStore
) -> None:
    def heads(condition: str) -> list[str]:
        container = client.get_database_client("chatstore").get_container_client("messages")
        text = f"SELECT VALUE c.conversation FROM c WHERE {condition}"
        keys: Any = container.query_items(text, enable_cross_partition_query=True)
        return sorted(keys)

    store.create_conversation("old", owner="ann", title="t" * 500)
    double.advance(61)
    store.create_conversation("new", owner="ann")
    assert [one.key for one in store.iter_conversations(owner="ann")] == ["new"]
    assert heads("IS_DEFINED(c.owned)") == ["new", "old"]
    store.purge_expired()
    assert heads("IS_DEFINED(c.owned)") == ["new"]
    assert heads("c.id != 'head'") == []
    store.create_conversation("old", owner="bob")
    assert [one.key for one in store.iter_conversations(owner="bob")] == ["old"]
