"""Processes that create, write, re-own and delete conversations while answers are lost.

At the end every owner's list equals what exists. ``make soak`` runs it for a minute.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing import get_context
from typing import Any

import pytest
import redis
from redis.exceptions import RedisClusterException
from redis_admin import connect
from redis_faults import LossyProxy

from chatstore.core import (
    ChatStoreError,
    ConversationExistsError,
    ConversationNotFoundError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import RedisServer

IS_LONG = bool(os.environ.get("CHATSTORE_SOAK"))
PROCESSES = 16 if IS_LONG else 4
SECONDS = 60.0 if IS_LONG else 2.0
OWNERS = [f"owner {number}" for number in range(8)]
KEYS = [f"k{number}" for number in range(40)]
RATE = 0.1  # of answers that are lost
Ports = dict[int, int]
EXPECTED = (ConversationExistsError, ConversationNotFoundError, StoreUnavailableError)


def open_store(ports: Ports, *, is_cluster: bool) -> RedisChatStore:
    """Open a store whose answers pass through proxies; ``ports`` has them by servers' ports."""
    if not is_cluster:
        [port] = ports.values()
        return RedisChatStore(f"redis://127.0.0.1:{port}")

    def remap(address: tuple[str, int]) -> tuple[str, int]:
        host, port = address
        return host, ports.get(port, port)

    while True:
        with suppress(RedisClusterException):  # the first answers may be lost
            port = min(ports.values())
            client = redis.RedisCluster(host="127.0.0.1", port=port, address_remap=remap)
            return RedisChatStore(client=client)


def act(store: RedisChatStore, dice: random.Random) -> None:
    """Make a random call."""
    key, owner = dice.choice(KEYS), dice.choice([*OWNERS, None])
    choice = dice.random()
    if choice < 0.25:
        store.create_conversation(key, owner=owner)
    elif choice < 0.5:
        store.update_conversation(key, owner=owner)
    elif choice < 0.6:
        store.update_conversation(key, title=str(choice))
    elif choice < 0.75:
        store.delete_messages(key)
    elif choice < 0.78 and owner is not None:
        store.delete_conversations(owner=owner)
    elif choice < 0.85 and owner is not None:
        assert {one.owner for one in store.list_conversations(owner=owner).conversations} <= {owner}
    else:
        store.add_message(key, message("x"))


def work(ports: Ports, is_cluster: bool, seed: int) -> Counter[str]:
    """Make random calls for some seconds; return how they ended."""
    logging.getLogger("chatstore").setLevel(logging.ERROR)
    dice, outcomes = random.Random(seed), Counter[str]()
    end = time.monotonic() + SECONDS
    store = open_store(ports, is_cluster=is_cluster)
    while time.monotonic() < end:
        try:
            act(store, dice)
        except EXPECTED as error:
            outcomes[type(error).__name__] += 1
        except ChatStoreError as error:
            outcomes[f"{type(error).__name__}: {error}"] += 1
        else:
            outcomes["success"] += 1
    store.close()
    return outcomes


@pytest.fixture(params=["server", "cluster"])
def servers(
    request: pytest.FixtureRequest, server: RedisServer, cluster: list[RedisServer]
) -> list[RedisServer]:
    """Return the empty servers."""
    selected = [server] if request.param == "server" else cluster
    for one in selected:
        with connect(one.port) as admin:
            admin.flushall()
    return selected


def test_lists_equal_what_exists_after_lost_answers(servers: list[RedisServer]) -> None:
    is_cluster = len(servers) > 1
    with ExitStack() as stack:
        proxies = [LossyProxy(one.port, RATE, seed) for seed, one in enumerate(servers)]
        for proxy in proxies:
            stack.callback(proxy.close)
        ports = {one.port: proxy.port for one, proxy in zip(servers, proxies, strict=True)}
        pool = stack.enter_context(ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")))
        outcomes = sum(pool.map(partial(work, ports, is_cluster), range(PROCESSES)), Counter[str]())
        lost = sum(proxy.lost for proxy in proxies)
    print(f"{dict(outcomes)}, {lost} answers lost")
    assert set(outcomes) <= {"success", "OutcomeUnknownError", *(one.__name__ for one in EXPECTED)}
    assert outcomes["success"] > 50
    assert lost > 10
    store: Any
    with RedisChatStore(f"redis://127.0.0.1:{servers[0].port}", cluster=is_cluster) as store:
        existing = list(store.iter_conversations())
        for owner in OWNERS:
            expected = sorted(one.key for one in existing if one.owner == owner)
            listed = store.list_conversations(owner=owner, limit=1000).conversations
            assert sorted(one.key for one in listed) == expected
        assert existing
