"""Ended conversations leave a head; the service's TTL or `purge_expired` deletes it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from dynamodb_server import DynamoDBServer
from expiry import DAY, Clock, check_purge

from chatstore.core import InvalidArgumentError
from chatstore.core.testing.messages import message
from chatstore.dynamodb import DynamoDBChatStore


def items_of(server: DynamoDBServer, table: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = server.client().scan(TableName=table)["Items"]
    return items


@pytest.mark.parametrize("options", [{}, {"ttl_attribute": "gone_at"}, {"ttl": 60}])
def test_only_heads_of_ended_conversations_have_the_attribute(
    server: DynamoDBServer, options: dict[str, Any]
) -> None:
    table = server.new_table()
    attribute = options.get("ttl_attribute", "TTL")
    with DynamoDBChatStore(table, endpoint_url=server.url, **options) as store:
        store.set_messages("long", [message("x" * 300_000, id=str(number)) for number in range(20)])
        store.add_message("k", message("a"))
        assert [item for item in items_of(server, table) if attribute in item] == []
        store.delete_messages("long")
        store.delete_last_message("k")
        [*heads] = items_of(server, table)
        assert len(heads) == 2
        for head in heads:
            assert 2.99 * DAY < int(head[attribute]["N"]) - time.time() < 3.01 * DAY
        store.add_message("k", message("b"))
        assert sum(attribute in item for item in items_of(server, table)) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_a_purge_leaves_nothing_in_the_end(server: DynamoDBServer, is_async: bool) -> None:
    table, clock = server.new_table(), Clock()
    with DynamoDBChatStore(table, endpoint_url=server.url, ttl=60, clock=clock) as store:
        check_purge(store, clock, lambda: len(items_of(server, table)), is_async=is_async)


def test_an_owners_list_forgets_expired_conversations(server: DynamoDBServer) -> None:
    table, clock = server.new_table(), Clock()
    with DynamoDBChatStore(table, endpoint_url=server.url, ttl=60, clock=clock) as store:
        for key in "abc":
            store.create_conversation(key, owner="ann", title="t" * 1000)
            store.add_message(key, message("x"))
        clock.now += 30
        store.add_message("b", message("y"))
        clock.now += 31
        listed = store.list_conversations(owner="ann")
        assert [one.key for one in listed.conversations] == ["b"]
        store.create_conversation("a", owner="ann")
        listed = store.list_conversations(owner="ann")
        assert [one.key for one in listed.conversations] == ["a", "b"]
        clock.now += 61
        for _ in range(2):
            store.purge_expired()
            clock.now += 3 * DAY + 1
        store.purge_expired()
        left = [item["SessionId"]["S"] for item in items_of(server, table)]
        # The entry of the first "a": reading the list an hour later removes it.
        assert len([name for name in left if "/owner-" not in name]) == 0
        assert store.list_conversations(owner="ann").conversations == []


@pytest.mark.parametrize("name", ["SessionId", "b", "v"])
def test_the_attribute_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=name):
        DynamoDBChatStore("chats", ttl_attribute=name)
