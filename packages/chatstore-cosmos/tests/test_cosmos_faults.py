"""Replies that are lost, writers that race, a service that is busy: each message exactly once."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from cosmos_double import LOST_REPLY, LOST_REQUEST, Fault

from chatstore.core import ChatMessage
from chatstore.cosmos import CosmosChatStore

SEED = 20


def say(text):
    return ChatMessage(role="user", content=text)


def open_on(double):
    return CosmosChatStore.from_account_and_key(double.endpoint, double.key, timeout=30)


def losing(part, *faults):
    """Return what lets a part of the requests for documents end in one of the faults."""
    chance = random.Random(SEED)

    def fault(request):
        spared = request.kind in {"account", "database", "container", "ranges"}
        return None if spared or chance.random() >= part else chance.choice(faults)

    return fault


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_thousand_appends_with_lost_replies(double, colour):
    async def append_all(store):
        for number in range(1000):
            await store.async_add_message("k", say(str(number)))

    with open_on(double) as store:
        store.add_message("k", say("begin"))
        double.fault = losing(0.1, LOST_REPLY)
        if colour == "sync":
            for number in range(1000):
                store.add_message("k", say(str(number)))
        else:
            asyncio.run(append_all(store))
        double.fault = lambda request: None
        said = [message.content for message in store.get_messages("k")]
    assert said == ["begin", *map(str, range(1000))]


def test_sixteen_writers_with_all_kinds_of_faults(double):
    stores = [open_on(double) for _ in range(4)]
    stores[0].add_message("k", say("begin"))
    faults = (
        LOST_REPLY, LOST_REQUEST, Fault(449), Fault(429, retry_after_ms=10), Fault(408, acts=True),
        Fault(503, acts=True), Fault(500), Fault(410, substatus=1002),
    )  # fmt: skip

    def work(writer):
        for number in range(12):
            stores[writer % 4].add_message("k", say(f"{writer} {number}"))

    double.fault = losing(0.1, *faults)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    double.fault = lambda request: None
    said = [message.content for message in stores[0].get_messages("k")]
    assert len(said) == 1 + 16 * 12
    for writer in range(16):
        mine = [text for text in said if text.startswith(f"{writer} ")]
        assert mine == [f"{writer} {number}" for number in range(12)]
    for store in stores:
        store.close()


def test_large_writes_with_lost_replies_are_whole(double):
    with open_on(double) as store:
        store.add_message("k", say("begin"))
        double.fault = losing(0.2, LOST_REPLY, Fault(449), Fault(429, retry_after_ms=10))
        for turn in range(5):
            store.add_messages("k", [say(f"{turn} {n}") for n in range(300)])
            store.set_messages("l", [say(f"{turn} {n}") for n in range(300)])
        double.fault = lambda request: None
        assert [m.content for m in store.get_messages("k")][1:] == [
            f"{turn} {n}" for turn in range(5) for n in range(300)
        ]
        assert [m.content for m in store.get_messages("l")] == [f"4 {n}" for n in range(300)]
