"""The healing contract, on a primary and a replica that change places behind one address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis_pair import Pair

from chatstore.core.testing.healing import HealingContract, RelayedHarness
from chatstore.redis import RedisChatStore


class RelayedRedis(RelayedHarness):
    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self.relay = pair.relay

    def open(self, *, timeout: float) -> RedisChatStore:
        return RedisChatStore(f"redis://127.0.0.1:{self.relay.port}", timeout=timeout, patience=1)

    def open_direct(self) -> RedisChatStore:
        return RedisChatStore(f"redis://127.0.0.1:{self._pair.primary.port}")

    def fail_over(self) -> None:
        self._pair.fail_over()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    started = Pair()
    yield started
    started.close()


class TestRedisHeals(HealingContract):
    @pytest.fixture
    def relayed(self, pair: Pair) -> RelayedRedis:
        with redis.Redis(port=pair.primary.port) as client:
            client.flushall()
        pair.relay.swap(pair.primary.port)  # a test may have led it elsewhere
        return RelayedRedis(pair)
