"""Lost replies, writers that race, a busy service: each message is stored exactly once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cosmos_double import LOST_REPLY, LOST_REQUEST, CosmosDouble, Fault
from cosmos_requests import Request

from chatstore.core import ChatMessage
from chatstore.core.testing.alone import alone
from chatstore.cosmos import CosmosChatStore

SEED = 20


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def open_on(double: CosmosDouble) -> CosmosChatStore:
    return CosmosChatStore.from_account_and_key(double.endpoint, double.key, timeout=60)


def losing(share: float, *faults: Fault) -> Callable[[Request], Fault | None]:
    """Return a function that chooses a fault for a share of the requests for documents."""
    chance = random.Random(SEED)

    def fault(request: Request) -> Fault | None:
        is_spared = request.kind in {"account", "database", "container", "ranges"}
        return None if is_spared or chance.random() >= share else chance.choice(faults)

    return fault


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_thousand_appends_with_lost_replies(double: CosmosDouble, mode: str) -> None:
    async def append_all(store: CosmosChatStore) -> None:
        for number in range(1000):
            await store.async_add_message("k", message(str(number)))

    with open_on(double) as store:
        store.add_message("k", message("begin"))
        double.fault = losing(0.1, LOST_REPLY)
        if mode == "sync":
            for number in range(1000):
                store.add_message("k", message(str(number)))
        else:
            asyncio.run(append_all(store))
        double.fault = lambda request: None
        result = [one.content for one in store.get_messages("k")]
    assert result == ["begin", *map(str, range(1000))]


def test_sixteen_writers_with_all_kinds_of_faults(double: CosmosDouble) -> None:
    stores = [open_on(double) for _ in range(4)]
    stores[0].add_message("k", message("begin"))
    faults = (
        LOST_REPLY, LOST_REQUEST, Fault(449), Fault(429, retry_after_ms=10), Fault(408, acts=True),
        Fault(503, acts=True), Fault(500), Fault(410, substatus=1002),
    )  # fmt: skip

    def work(writer: int) -> None:
        for number in range(12):
            alone(stores[writer % 4]).add_message("k", message(f"{writer} {number}"))

    double.fault = losing(0.1, *faults)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    double.fault = lambda request: None
    result = [str(one.content) for one in stores[0].get_messages("k")]
    assert len(result) == 1 + 16 * 12
    for writer in range(16):
        of_writer = [content for content in result if content.startswith(f"{writer} ")]
        assert of_writer == [f"{writer} {number}" for number in range(12)]
    for store in stores:
        store.close()


def test_large_writes_with_lost_replies_are_whole(double: CosmosDouble) -> None:
    with open_on(double) as store:
        store.add_message("k", message("begin"))
        double.fault = losing(0.2, LOST_REPLY, Fault(449), Fault(429, retry_after_ms=10))
        for number in range(5):
            store.add_messages("k", [message(f"{number} {n}") for n in range(300)])
            store.set_messages("l", [message(f"{number} {n}") for n in range(300)])
        double.fault = lambda request: None
        assert [m.content for m in store.get_messages("k")][1:] == [
            f"{number} {n}" for number in range(5) for n in range(300)
        ]
        assert [m.content for m in store.get_messages("l")] == [f"4 {n}" for n in range(300)]


def test_changes_of_conversations_with_lost_replies(double: CosmosDouble) -> None:
    """Each takes effect once, and the owner's list equals what exists."""
    with open_on(double) as store:
        store.add_message("warm", message("up"))
        double.fault = losing(0.2, LOST_REPLY, Fault(449), Fault(429, retry_after_ms=10))
        for number in range(15):
            key = f"k{number}"
            store.create_conversation(key, owner="ann", title="t" * 400)
            store.add_messages(
                key, [ChatMessage(role="user", content=text, id=text) for text in "abc"]
            )
            store.put_message(key, ChatMessage(role="user", content="edited", id="b"))
            assert store.truncate(key, from_id="c") == 1
            renamed = store.update_conversation(key, owner="bob" if number % 2 else "ann")
            assert renamed.length == 2
            if number % 5 == 0:
                store.delete_messages(key)
        listed = {owner: list(store.iter_conversations(owner=owner)) for owner in ("ann", "bob")}
        double.fault = lambda request: None
        assert {one.key for one in listed["ann"]} == {
            f"k{n}" for n in range(15) if n % 10 in {2, 4, 6, 8}
        }
        assert {one.key for one in listed["bob"]} == {f"k{n}" for n in (1, 3, 7, 9, 11, 13)}
        for one in [*listed["ann"], *listed["bob"]]:
            assert [m.content for m in store.get_messages(one.key)] == ["a", "edited"]
