"""Every call reports a conversation whose parts do not match; it can be repaired."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatstore.core import CorruptStoreError
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore

PARTS = ["head", "order", "bodies"]
CALLS: dict[str, Callable[..., Any]] = {
    "get": lambda store, name: getattr(store, name("get_messages"))("k"),
    "newest": lambda store, name: getattr(store, name("get_messages"))("k", last=2),
    "count": lambda store, name: getattr(store, name("count_messages"))("k"),
    "append": lambda store, name: getattr(store, name("add_message"))("k", message("x")),
    "append many": lambda store, name: getattr(store, name("add_messages"))(
        "k", [message("x")] * 3
    ),
    "insert": lambda store, name: getattr(store, name("add_message"))("k", message("x"), 1),
    "remove": lambda store, name: getattr(store, name("delete_message"))("k", 1),
    "remove last": lambda store, name: getattr(store, name("delete_last_message"))("k"),
    "get by id": lambda store, name: getattr(store, name("get_message"))("k", "no"),
    "put": lambda store, name: getattr(store, name("put_message"))("k", message("x", id="x")),
    "remove by id": lambda store, name: getattr(store, name("remove_message"))("k", "no"),
    "truncate": lambda store, name: getattr(store, name("truncate"))("k", from_id="no"),
    "snapshot": lambda store, name: getattr(store, name("snapshot"))("k"),
    "fork": lambda store, name: getattr(store, name("fork"))("k", "l"),
    "force": lambda store, name: getattr(store, name("delete_message"))("k", 0, force=True),
}


def call(store: RedisChatStore, name: str, mode: str) -> Any:
    if mode == "sync":
        return CALLS[name](store, lambda method: method)

    async def awaited() -> Any:
        return await CALLS[name](store, lambda method: f"async_{method}")

    return asyncio.run(awaited())


def key_of(part: str) -> str:
    return f"chatstore:{{k}}:{part}"


def restore(client: Any, part: str, dump: Any) -> None:
    client.restore(key_of(part), 0, dump, replace=True)


@pytest.fixture
def store(url: str) -> Iterator[RedisChatStore]:
    with RedisChatStore(url) as store:
        store.set_messages("k", [message(str(number)) for number in range(5)])
        yield store


def contents(client: Any) -> Any:
    """Return the content of all parts; a dump of a hash may change its order."""
    order = client.zrange(key_of("order"), 0, -1, withscores=True)
    return [client.hgetall(key_of("head")), order, client.hgetall(key_of("bodies"))]


def reports_damage(client: Any, store: RedisChatStore, mode: str = "sync") -> None:
    """Check that every call reports the damage and leaves what there is."""
    before = contents(client)
    for name in CALLS:
        with pytest.raises(CorruptStoreError, match=r"parts .* set_messages.* repair"):
            call(store, name, mode)
    with pytest.raises(CorruptStoreError):
        list(store.iter_messages("k", on_corrupt="skip"))
    assert contents(client) == before


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("part", PARTS)
def test_a_lost_part_is_reported(client: Any, store: RedisChatStore, part: str, mode: str) -> None:
    client.delete(key_of(part))
    reports_damage(client, store, mode)


@pytest.mark.parametrize("part", PARTS)
def test_two_lost_parts_are_reported(client: Any, store: RedisChatStore, part: str) -> None:
    client.delete(*(key_of(other) for other in PARTS if other != part))
    reports_damage(client, store)


@pytest.mark.parametrize("part", ["order", "bodies"])
def test_a_lost_record_is_reported(client: Any, store: RedisChatStore, part: str) -> None:
    [name] = client.zrange(key_of("order"), 2, 2)
    client.zrem(key_of(part), name) if part == "order" else client.hdel(key_of(part), name)
    reports_damage(client, store)


CHANGES: dict[str, Callable[..., Any]] = {
    "append": lambda store: store.add_message("k", message("new")),
    "remove": lambda store: store.delete_message("k", 0),
    "append and remove": lambda store: [
        store.add_message("k", message("new")),
        store.delete_message("k", 0),
    ],
    "insert": lambda store: store.add_message("k", message("new"), 1),
    "put": lambda store: store.put_message("k", message("new", id="new")),
    "truncate": lambda store: store.truncate("k", from_id=store.get_messages("k")[2].id),
    "replace": lambda store: store.set_messages("k", [message(str(number)) for number in range(5)]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_another_moment_is_reported(
    client: Any, store: RedisChatStore, part: str, change: str
) -> None:
    old = client.dump(key_of(part))
    CHANGES[change](store)
    restore(client, part, old)
    reports_damage(client, store)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "repair",
    [
        lambda store: store.set_messages("k", [message("a")]),
        lambda store: store.delete_messages("k"),
    ],
    ids=["set", "delete"],
)
def test_a_damaged_conversation_can_be_repaired(
    client: Any, store: RedisChatStore, part: str, repair: Callable[[RedisChatStore], None]
) -> None:
    client.delete(key_of(part))
    repair(store)
    store.add_message("k", message("b"))
    assert [message.content for message in store.get_messages("k")][-1] == "b"
    assert store.count_messages("k") == len(store.get_messages("k"))


@pytest.mark.parametrize("part", PARTS)
def test_a_conversation_without_its_head_is_reported(
    client: Any, store: RedisChatStore, part: str
) -> None:
    """The other parts do not matter: an owner's list can be read, and the owner erased."""
    store.update_conversation("k", owner="ann")
    client.delete(key_of(part))
    calls: list[Callable[[], Any]] = [
        lambda: store.get_conversation("k"),
        lambda: store.update_conversation("k", title="x"),
        lambda: store.list_conversations(owner="ann"),
    ]
    if part != "head":
        for one in calls:
            one()
        assert store.delete_conversations(owner="ann") == ["k"]
        assert store.get_keys() == []
        return
    for one in [*calls, lambda: store.create_conversation("k")]:
        with pytest.raises(CorruptStoreError, match=r"parts .* set_messages.* repair"):
            one()
    store.delete_messages("k")
    assert store.list_conversations(owner="ann").conversations == []


def test_without_its_parts_a_conversation_does_not_exist(
    client: Any, store: RedisChatStore
) -> None:
    client.delete(*map(key_of, PARTS))
    assert store.get_messages("k") == []
    store.add_message("k", message("a"))
    assert store.get_messages("k") == [message("a")]
