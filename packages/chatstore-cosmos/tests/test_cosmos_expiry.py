"""What ended conversations leave, and who removes it: the service's TTL, or `purge_expired`."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey
from expiry import DAY, say

from chatstore.cosmos import CosmosChatStore


@pytest.fixture
def store(double):
    double.now = 1_800_000_000.0
    with CosmosChatStore.from_account_and_key(
        double.endpoint, double.key, ttl=60, clock=lambda: double.now
    ) as store:
        yield store


def ids_in(double, client):
    container = client.get_database_client("chatstore").get_container_client("messages")
    found = container.query_items("SELECT c.id FROM c", enable_cross_partition_query=True)
    return [item["id"] for item in found]


def test_the_service_removes_what_a_deleted_conversation_leaves(double, client, store):
    store.add_messages("k", [say(str(number), id=str(number)) for number in range(10)])
    store.delete_messages("k")
    assert ids_in(double, client) == ["head"]
    double.now += 3 * DAY - 1
    assert ids_in(double, client) == ["head"]
    double.now += 1
    assert ids_in(double, client) == []
    store.add_message("k", say("anew"))
    assert [message.content for message in store.get_messages("k")] == ["anew"]


def test_the_service_removes_nothing_that_may_be_read(double, client, store):
    with CosmosChatStore.from_account_and_key(
        double.endpoint, double.key, clock=lambda: double.now
    ) as forever:
        forever.add_message("k", say("a"))
        double.now += 1000 * DAY
        assert forever.count_messages("k") == 1


def test_a_purge_and_the_service_leave_nothing(double, client, store):
    store.add_messages("old", [say(str(number)) for number in range(30)])
    double.now += 61
    store.add_message("new", say("stays"))
    store.purge_expired()
    assert len(ids_in(double, client)) == 1 + 3
    double.now += 3 * DAY
    assert len(ids_in(double, client)) == 3
    store.purge_expired()
    double.now += 3 * DAY
    assert ids_in(double, client) == []


def test_a_purge_alone_removes_it_where_the_container_has_no_ttl(double, client, store):
    database = client.create_database("chatstore")
    database.create_container("messages", PartitionKey("/conversation"), default_ttl=None)
    store.add_message("k", say("a"))
    store.delete_messages("k")
    double.now += 3 * DAY
    assert ids_in(double, client) == ["head"]
    store.purge_expired()
    assert ids_in(double, client) == []
