"""The contract, on the double.

If ``CHATSTORE_UPSTASH_URL`` and ``CHATSTORE_UPSTASH_TOKEN`` name a real database, the tests also
run there: they cost requests, and delete the conversations that they wrote.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest
import upstash_redis
from upstash_double import UpstashDouble

from chatstore.core.testing import (
    ChatStoreContract,
    ContractHarness,
    ProcessContract,
    SyncAsyncContract,
)
from chatstore.core.testing.harness import Counts
from chatstore.redis_scripts.layout import KeySpace
from chatstore.redis_scripts.testing import expire_earlier
from chatstore.redis_scripts.testing.servers import free_port
from chatstore.upstash import UpstashChatStore

URL = os.environ.get("CHATSTORE_UPSTASH_URL")
TOKEN = os.environ.get("CHATSTORE_UPSTASH_TOKEN")


class UpstashHarness(ContractHarness):
    orders_lists_exactly = False

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.namespace = f"test {uuid.uuid4()}"

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> UpstashChatStore:
        assert clock is None  # the server's clock decides
        return UpstashChatStore(self.url, self.token, ttl=ttl, namespace=self.namespace)

    def opener(self) -> Callable[[], UpstashChatStore]:
        return partial(UpstashChatStore, self.url, self.token, namespace=self.namespace)

    def corrupt(self, key: str, index: int) -> None:
        _, order, bodies, *_ = KeySpace(self.namespace).keys(key)
        with upstash_redis.Redis(self.url, self.token) as client:
            [name] = client.zrange(order, index, index)
            assert client.hset(bodies, str(name), "{") == 0

    def lose(self, key: str, index: int) -> None:
        _, order, bodies, *_ = KeySpace(self.namespace).keys(key)
        with upstash_redis.Redis(self.url, self.token) as client:
            [name] = client.zrange(order, index, index)
            assert client.hdel(bodies, str(name)) == 1

    def pass_time(self, seconds: float) -> None:
        with upstash_redis.Redis(self.url, self.token) as client:
            expire_earlier(client, self.namespace, seconds)


class DoubleHarness(UpstashHarness):
    """The double, which tests can inspect."""

    def __init__(self, double: UpstashDouble) -> None:
        super().__init__(double.url, double.token)
        self.double = double

    def counts(self) -> Counts:
        requests = list(self.double.requests)
        return Counts(len(requests), sum(len(request.commands) for request in requests))

    def unreachable(self) -> UpstashChatStore:
        return UpstashChatStore(f"http://127.0.0.1:{free_port()}", "token")


# The long run also tests mixed calls of both modes.
if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    Contract = ChatStoreContract
else:
    Contract = SyncAsyncContract


class TestUpstashContract(Contract, ProcessContract):
    @pytest.fixture
    def harness(self, double: UpstashDouble) -> DoubleHarness:
        return DoubleHarness(double)


if URL and TOKEN:

    class TestUpstashAccount(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def harness(self) -> Iterator[UpstashHarness]:
            harness = UpstashHarness(str(URL), str(TOKEN))
            yield harness
            with harness.open() as store:
                for key in store.get_keys():
                    store.delete_messages(key)
