"""Lists of owners' conversations: when their entries are refreshed, and what they survive."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import redis.asyncio
from redis_admin import connect
from redis_interception import Interceptor, backend_of, intercept

from chatstore.core import CorruptStoreError, InvalidArgumentError
from chatstore.core.backend import owner_index
from chatstore.core.cursors import write_cursor
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts import Attempt, Command, scripts
from chatstore.redis_scripts.layout import KeySpace, slot_of

HEAD = "chatstore:{k}:head"
REFRESHED = 10  # the field of the state
MINUTE = 60_000
LIST = f"chatstore:{{{hashlib.sha256(b'ann').hexdigest()}}}:owned"


@pytest.fixture
def store(url: str) -> Iterator[RedisChatStore]:
    with RedisChatStore(url) as store:
        store.create_conversation("k", owner="ann")
        yield store


def age_refresh(client: Any, milliseconds: int) -> None:
    """Let the last refresh of the entry be longer ago."""
    state = client.hget(HEAD, "state").decode().split(" ")
    state[REFRESHED] = str(int(state[REFRESHED]) - milliseconds)
    client.hset(HEAD, "state", " ".join(state))


def listed(store: RedisChatStore, owner: str = "ann") -> list[str]:
    return [one.key for one in store.list_conversations(owner=owner).conversations]


WRITES: dict[str, Any] = {
    "append": lambda store: store.add_message("k", message("x")),
    "insert": lambda store: store.add_message("k", message("x"), 0),
    "put": lambda store: store.put_message("k", message("x", id="a")),
    "replace": lambda store: store.set_messages("k", [message("x")]),
    "replace by nothing": lambda store: store.set_messages("k", []),
    "remove": lambda store: store.remove_message("k", "a"),
    "truncate": lambda store: store.truncate("k", from_id="a"),
    "update": lambda store: store.update_conversation("k", title="x"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_refreshes_the_entry_at_most_once_a_minute(
    client: Any, store: RedisChatStore, write: str
) -> None:
    store.add_messages("k", [message("a", id="a"), message("b")])
    store.create_conversation("l", owner="ann")
    assert listed(store) == ["l", "k"]
    age_refresh(client, MINUTE - 5_000)
    store.add_message("k", message("early"))
    assert listed(store) == ["l", "k"]
    age_refresh(client, 5_000)
    WRITES[write](store)
    assert listed(store) == ["k", "l"]
    before = client.dump(f"{LIST}:head")
    store.add_message("k", message("soon after"))
    assert client.dump(f"{LIST}:head") == before


def test_a_clock_that_was_set_back_does_not_stop_refreshes(
    client: Any, store: RedisChatStore
) -> None:
    store.create_conversation("l", owner="ann")
    age_refresh(client, -10 * MINUTE)
    store.add_message("k", message("x"))
    assert listed(store) == ["k", "l"]


def test_the_scripts_and_core_agree_on_the_minute() -> None:
    assert owner_index.REFRESH_AFTER * 1000 == MINUTE
    assert f"REFRESH_AFTER = 300000, 150000, {MINUTE}" in scripts.APPEND.source


def test_a_repeated_write_tells_again_that_a_refresh_is_due(
    client: redis.Redis, store: RedisChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first answer may have been lost, however many other writes came between."""
    replies: list[Any] = []

    class Repeated(Interceptor):
        def send(self, command: Command, attempt: Attempt) -> Any:
            replies.append(super().send(command, attempt))
            if len(replies) == 1:
                store_of_others.add_message("k", message("other"))
            replies.append(super().send(command, attempt))
            return replies[-1]

    age_refresh(client, MINUTE)
    with RedisChatStore(client=client) as own, RedisChatStore(client=client) as store_of_others:
        own.count_messages("k")
        own.add_message("warm up", message("x"))
        intercept(monkeypatch, own, Repeated)
        own.add_message("k", message("x"))
    assert replies[0] == replies[1]
    reply, owner, entry = replies[0]
    assert (reply, owner) == ([], "ann")
    assert client.hget(HEAD, "entry") == entry.encode()
    assert store.count_messages("k") == 2


def test_a_refresh_that_fails_does_not_fail_the_write(
    client: Any,
    store: RedisChatStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Interceptor):
        def send(self, command: Command, attempt: Attempt) -> Any:
            if any(":owned:" in word for word in command):
                raise redis.ResponseError("OOM command not allowed")
            return super().send(command, attempt)

    age_refresh(client, MINUTE)
    intercept(monkeypatch, store, Failing)
    with caplog.at_level(logging.WARNING, "chatstore"):
        store.add_message("k", message("x"))
    assert "an owner's list was not updated" in caplog.text
    assert "ann" not in caplog.text
    assert store.count_messages("k") == 1


def test_entries_of_expired_conversations_are_removed_later(
    client: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RedisChatStore(url, ttl=60) as store:
        store.create_conversation("k", owner="ann")
        store.create_conversation("l", owner="ann")
        client.pexpire(HEAD, 1)
        while client.exists(HEAD):
            pass
        assert listed(store) == ["l"]
        assert client.zcard(f"{LIST}:order") == 2
        later = SimpleNamespace(time=lambda: 1e10)
        monkeypatch.setattr(owner_index, "time", later)
        assert listed(store) == ["l"]
        assert client.zcard(f"{LIST}:order") == 1
    assert client.ttl(f"{LIST}:head") == -1


LISTS: dict[str, Any] = {
    "list": listed,
    "create": lambda store: store.create_conversation("new", owner="ann"),
    "give": lambda store: store.update_conversation("bob's", owner="ann"),
    "take": lambda store: store.update_conversation("k", owner="bob"),
    "delete": lambda store: store.delete_messages("k"),
    "erase": lambda store: store.delete_conversations(owner="ann"),
}


@pytest.mark.parametrize("part", ["head", "order", "bodies"])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_lost_a_part_is_written_anew(
    client: Any, store: RedisChatStore, name: str, part: str
) -> None:
    for key in ("l", "m"):
        store.create_conversation(key, owner="ann")
        time.sleep(0.002)  # the order is that of the times, in milliseconds
    store.create_conversation("bob's", owner="bob")
    store.add_message("k", message("x"))
    client.delete(f"{LIST}:{part}")
    LISTS[name](store)
    owners = {one.key: one.owner for one in store.iter_conversations()}
    for owner in ("ann", "bob"):
        assert sorted(listed(store, owner)) == sorted(k for k, o in owners.items() if o == owner)
    if name == "list":
        assert listed(store) == ["k", "m", "l"]
    assert client.zcard(f"{LIST}:order") == sum(owner == "ann" for owner in owners.values())


def test_a_conversation_returns_to_a_lost_list(client: Any, store: RedisChatStore) -> None:
    """A list that is lost as a whole looks like an empty one."""
    client.delete(*(f"{LIST}:{part}" for part in ("head", "order", "bodies")))
    assert listed(store) == []
    age_refresh(client, MINUTE)
    store.add_message("k", message("x"))
    assert listed(store) == ["k"]


def test_lists_are_not_conversations(client: Any, url: str, store: RedisChatStore) -> None:
    names = ["chatstore", "chatstore:owned", "chatstore:owned:", "owned:"]
    others = [RedisChatStore(url, namespace=name) for name in names]
    key = hashlib.sha256(b"ann").hexdigest()
    for other in others:
        assert other.get_messages(key) == []
        other.add_message(key, message("x"))
        assert sorted(other.get_keys()) == sorted([key, *(["k"] if other is others[0] else [])])
        other.delete_messages(key)
        other.close()
    assert listed(store) == ["k"]


def test_nothing_is_left_of_a_deleted_owner(client: Any, store: RedisChatStore) -> None:
    store.add_message("k", message("a"))
    assert store.delete_conversations(owner="ann") == ["k"]
    for name in client.keys("*"):
        assert client.ttl(name) > 0, name


def test_many_conversations_are_read_in_batches(client: Any, store: RedisChatStore) -> None:
    for number in range(205):
        store.create_conversation(f"n{number}", owner="bob")
    client.config_resetstat()
    page = store.list_conversations(owner="bob", limit=500)
    assert len(page.conversations) == 205
    calls = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls <= 8


def test_slots_are_those_of_the_cluster(cluster: list[Any]) -> None:
    with redis.Redis(port=cluster[0].port) as node:
        for key in ["k", "user:42", "é{}%", "x" * 255]:
            head = KeySpace("n").keys(key)[0]
            assert node.execute_command("CLUSTER KEYSLOT", head) == slot_of(key)


def test_a_callers_cluster_client_lists_owners(cluster: list[Any]) -> None:
    with redis.RedisCluster(host="127.0.0.1", port=cluster[0].port) as client:
        store = RedisChatStore(client=client, namespace="callers")
        keys = [f"k{number}" for number in range(20)]
        for key in keys:
            store.create_conversation(key, owner="ann")
        assert sorted(listed(store)) == sorted(keys)
        assert sorted(store.delete_conversations(owner="ann")) == sorted(keys)
        assert backend_of(store).server == "Redis (a client of the caller)"


def test_a_cursor_of_another_store_is_refused(
    client: Any, store: RedisChatStore, cluster: list[Any]
) -> None:
    with (
        RedisChatStore(client=client) as callers,
        RedisChatStore(f"redis://127.0.0.1:{cluster[0].port}", cluster=True) as clusters,
    ):
        for other in (store, callers, clusters):
            for position in ("x", [1], ["", "x"], {"a": 1}, [None, 3], -1, 1.5, True):
                cursor = write_cursor(position, backend_of(other).server, None)
                with pytest.raises(InvalidArgumentError, match="another store"):
                    other.list_conversations(cursor=cursor)
        cursor = write_cursor("x", backend_of(store).server, "ann")
        with pytest.raises(InvalidArgumentError, match="another store"):
            store.list_conversations(owner="ann", cursor=cursor)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_list_takes_one_request_to_each_node(
    cluster: list[Any], monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Also if a node lost its scripts; a damaged conversation is reported."""
    url = f"redis://127.0.0.1:{cluster[0].port}"
    package: Any = redis if mode == "sync" else redis.asyncio
    made: list[object] = []
    original = package.RedisCluster.pipeline

    def pipeline(*arguments: Any, **options: Any) -> Any:
        made.append(arguments)
        return original(*arguments, **options)

    monkeypatch.setattr(package.RedisCluster, "pipeline", pipeline)

    async def list_async() -> list[str]:
        async with RedisChatStore(url, namespace=mode, cluster=True) as store:
            page = await store.async_list_conversations(owner="ann")
            return [one.key for one in page.conversations]

    with RedisChatStore(url, namespace=mode, cluster=True) as store:
        keys = [f"k{number}" for number in range(30)]
        for key in keys:
            store.create_conversation(key, owner="ann")
        for lost in (False, False, True):
            if lost:
                connect(cluster[1].port).script_flush()
            made.clear()
            listed_keys = listed(store) if mode == "sync" else asyncio.run(list_async())
            assert sorted(listed_keys) == sorted(keys)
            assert len(made) <= 2
        assert len(made) == 2
        with redis.RedisCluster(host="127.0.0.1", port=cluster[0].port) as client:
            client.hset(KeySpace(mode).keys("k7")[0], "state", "nonsense")
        with pytest.raises(CorruptStoreError):
            listed(store) if mode == "sync" else asyncio.run(list_async())
