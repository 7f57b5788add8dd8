"""Conversation records and revisions in the head, damaged heads, and the cost of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from redis_interception import backend_of

from chatstore.core import (
    ConversationExistsError,
    CorruptStoreError,
    RevisionConflictError,
    SchemaVersionError,
)
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts import Limits

HEAD = "chatstore:{k}:head"
ABC = [message(text, id=text) for text in "abc"]


@pytest.fixture
def store(url: str) -> Iterator[RedisChatStore]:
    with RedisChatStore(url) as store:
        yield store


WRITES: dict[str, Callable[..., Any]] = {
    "append": lambda store, **rest: store.add_message("k", message("x"), **rest),
    "insert": lambda store, **rest: store.add_message("k", message("x"), 0, **rest),
    "put": lambda store, **rest: store.put_message("k", message("x", id="a"), **rest),
    "replace": lambda store, **rest: store.set_messages("k", [message("x")], **rest),
    "remove": lambda store, **rest: store.delete_message("k", 0, **rest),
    "remove by id": lambda store, **rest: store.remove_message("k", "a", **rest),
    "truncate": lambda store, **rest: store.truncate("k", from_id="a", **rest),
    "update": lambda store, **rest: store.update_conversation("k", title="x", **rest),
    "delete": lambda store, **rest: store.delete_messages("k", **rest),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("expected", ["", " ", "-", "0" * 16, "F" * 16, "\udcff", "x\0y", "1 2 3"])
def test_other_revisions_conflict(
    client: Any, store: RedisChatStore, write: str, expected: str
) -> None:
    store.add_messages("k", ABC)
    before = {name: client.dump(name) for name in client.keys("*")}
    snapshot = store.snapshot("k")
    assert snapshot.conversation is not None
    with pytest.raises(RevisionConflictError) as caught:
        WRITES[write](store, expected_revision=expected)
    assert caught.value.current_revision == snapshot.conversation.revision
    assert {name: client.dump(name) for name in client.keys("*")} == before


@pytest.mark.parametrize("write", WRITES)
def test_revisions_do_not_return_with_a_conversation(store: RedisChatStore, write: str) -> None:
    seen = set()
    for _ in range(2):
        store.add_messages("k", ABC)
        conversation = store.get_conversation("k")
        assert conversation is not None
        seen.add(conversation.revision)
        WRITES[write](store, expected_revision=conversation.revision)
        conversation = store.get_conversation("k")
        if conversation is not None:
            seen.add(conversation.revision)
        store.delete_messages("k")
    assert len(seen) == (2 if write in {"delete", "truncate"} else 4)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("2 anything", SchemaVersionError),
        ("1 ab", CorruptStoreError),
        ("", CorruptStoreError),
        ("nonsense", CorruptStoreError),
        (None, CorruptStoreError),
    ],
)
def test_a_head_that_cannot_be_read(
    client: Any, store: RedisChatStore, state: str | None, kind: type[Exception]
) -> None:
    store.create_conversation("k", owner="ann")
    store.add_messages("k", ABC)
    if state is None:
        client.hdel(HEAD, "state")
    else:
        client.hset(HEAD, "state", state)
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: store.get_conversation("k"),
        "update": lambda: store.update_conversation("k", title="x"),
        "create": lambda: store.create_conversation("k"),
        "list": lambda: store.list_conversations(owner="ann"),
        "list all": store.list_conversations,
        "find": lambda: store.get_message("k", "a"),
        "snapshot": lambda: store.snapshot("k"),
        **{name: partial(write, store) for name, write in WRITES.items()},
    }
    before = client.dump(HEAD)
    for call in calls.values():
        with pytest.raises(kind):
            call()
    assert client.dump(HEAD) == before


@pytest.mark.parametrize("field", ["owner", "title", "metadata"])
def test_a_field_that_is_not_text(client: Any, store: RedisChatStore, field: str) -> None:
    store.create_conversation("k", owner="ann", title="a", metadata={"a": 1})
    client.hset(HEAD, field, b"\xff")
    for call in (
        lambda: store.get_conversation("k"),
        lambda: store.snapshot("k"),
        lambda: store.update_conversation("k", title="x"),
    ):
        with pytest.raises(CorruptStoreError):
            call()


def test_large_writes_are_staged(client: Any, store: RedisChatStore) -> None:
    large = "x" * 20_000
    store.set_messages("k", [message(large, id=str(number)) for number in range(5)])
    backend_of(store).writer.limits = Limits(max_request_bytes=30_000)
    metadata = {"text": "y" * 16_000}
    store.update_conversation("k", metadata=metadata)
    store.put_message("k", message(large + "!", id="2"))
    assert store.fork("k", "l").length == 5
    contents = [one.content for one in store.get_messages("l")]
    assert contents == [large, large, large + "!", large, large]
    with pytest.raises(ConversationExistsError):
        store.fork("k", "l")
    store.truncate("l", from_id="1")
    assert store.count_messages("l") == 1
    assert all(client.ttl(name) > 0 for name in client.keys("*staged*"))


def test_a_truncation_of_many_messages(store: RedisChatStore) -> None:
    store.set_messages("k", [message(str(number), id=str(number)) for number in range(12_001)])
    assert store.truncate("k", from_id="1500") == 10_501
    assert store.count_messages("k") == 1500
    store.add_message("k", message("after", id="1500"))
    assert [one.content for one in store.get_messages("k", last=2)] == ["1499", "after"]
    assert store.truncate("k", from_id="0") == 1501
    assert store.get_keys() == []


def test_an_emptied_conversation_keeps_its_positions(client: Any, store: RedisChatStore) -> None:
    """So a part that is restored from an older state never matches the others."""
    store.create_conversation("k")
    store.add_messages("k", ABC)
    old = {part: client.dump(f"chatstore:{{k}}:{part}") for part in ("order", "bodies")}
    for empty in (
        lambda: store.truncate("k", from_id="a"),
        lambda: store.set_messages("k", []),
        lambda: [store.delete_last_message("k") for _ in range(3)],
    ):
        empty()
        assert store.get_messages("k") == []
        store.add_messages("k", ABC)
        assert store.get_messages("k") == ABC
        client.restore("chatstore:{k}:order", 0, old["order"], replace=True)
        with pytest.raises(CorruptStoreError):
            store.get_messages("k")
        store.set_messages("k", ABC)


# ---------------------------------------------------------------------- costs

APPEND = {
    "evalsha": 1, "time": 1, "hget": 3, "hlen": 1, "hexists": 1, "hmget": 1, "hset": 3,
    "zadd": 1, "zcard": 1, "zrange": 1, "pexpireat": 1,
}  # fmt: skip
CALLS: dict[str, tuple[Callable[..., Any], int]] = {
    "append": (lambda store: store.add_message("k", message("x")), 1),
    "append with an id": (lambda store: store.add_message("k", message("x", id="x")), 1),
    "put": (lambda store: store.put_message("k", message("x", id="5")), 1),
    "get by id": (lambda store: store.get_message("k", "5"), 1),
    "page": (lambda store: store.page_messages("k", limit=5), 1),
    "page before": (lambda store: store.page_messages("k", limit=5, before="5"), 2),
    "remove by id": (lambda store: store.remove_message("k", "6"), 1),
    "truncate": (lambda store: store.truncate("k", from_id="last"), 1),
    "get": (lambda store: store.get_conversation("k"), 1),
    "get a missing one": (lambda store: store.get_conversation("no"), 1),
    "snapshot": (lambda store: store.snapshot("k", last=5), 1),
    "update": (lambda store: store.update_conversation("k", title="x"), 2),
    "re-own": (lambda store: store.update_conversation("k", owner="bob"), 4),
    "create": (lambda store: store.create_conversation("new", owner="ann"), 2),
    "list": (lambda store: store.list_conversations(owner="ann"), 2),
    "list all": (lambda store: store.list_conversations(limit=1000), 2),
    "delete": (lambda store: store.delete_messages("k"), 2),
}


def fill(store: RedisChatStore, length: int) -> None:
    store.delete_messages("new")
    store.delete_messages("k")
    store.create_conversation("k", owner="ann")
    numbers = [str(number) for number in range(length - 1)] + ["last"]
    store.add_messages("k", [message("x" * 500, id=number) for number in numbers])


@pytest.mark.parametrize("name", CALLS)
def test_requests_and_bytes_do_not_grow(client: Any, store: RedisChatStore, name: str) -> None:
    call, requests = CALLS[name]
    traffic = []
    for length in (10, 10, 3_000):  # in the first round, the server learns the scripts
        fill(store, length)
        client.config_resetstat()
        before = client.info("stats")
        call(store)
        after = client.info("stats")
        statistics = client.info("commandstats")
        names = ("cmdstat_evalsha", "cmdstat_scan")
        calls = sum(statistics[name]["calls"] for name in names if name in statistics)
        directions = ("total_net_input_bytes", "total_net_output_bytes")
        traffic.append((calls, [after[one] - before[one] for one in directions]))
    (_, (sent, received)), (calls, (sent_long, received_long)) = traffic[1:]
    assert calls == requests
    assert sent_long <= sent + 50
    assert received_long <= received + 100


@pytest.mark.parametrize("owner", [None, "ann"])
def test_an_append_costs_what_it_cost_without_records(
    client: Any, store: RedisChatStore, owner: str | None
) -> None:
    store.create_conversation("k", owner=owner, title="t", metadata={"a": "b" * 1000})
    for _ in range(2):
        client.config_resetstat()
        store.add_message("k", message("x"))
    statistics = client.info("commandstats")
    counts = {name.removeprefix("cmdstat_"): one["calls"] for name, one in statistics.items()}
    counts = {name: count for name, count in counts.items() if "config" not in name}
    assert {name: counts[name] for name in counts if name != "info"} == APPEND


def test_others_do_not_change_the_cost_of_a_list(client: Any, store: RedisChatStore) -> None:
    for number in range(50):
        store.create_conversation(f"a{number}", owner="ann")
    costs: list[tuple[int, int]] = []
    for others in (10, 10, 500):  # in the first round, the server learns the scripts
        for number in range(others):
            store.create_conversation(f"b{len(costs)}-{number}", owner="bob")
        client.config_resetstat()
        before = client.info("stats")["total_net_output_bytes"]
        assert len(store.list_conversations(owner="ann").conversations) == 50
        sent = client.info("stats")["total_net_output_bytes"] - before
        costs.append((client.info("commandstats")["cmdstat_evalsha"]["calls"], sent))
    assert costs[1][0] == costs[2][0] == 2
    assert abs(costs[1][1] - costs[2][1]) < 100
