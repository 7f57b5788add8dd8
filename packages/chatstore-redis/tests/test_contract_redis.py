"""The contract, on a real redis-server and on a cluster of three."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
from redis_admin import connect
from redis_rights import PASSWORD, add_user

from chatstore.core.testing import (
    ChatStoreContract,
    ContractHarness,
    MixedContract,
    ProcessContract,
    SyncAsyncContract,
)
from chatstore.core.testing.harness import Counts
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.layout import KeySpace
from chatstore.redis_scripts.testing import RedisServer, expire_earlier
from chatstore.redis_scripts.testing.servers import free_port


class RedisHarness(ContractHarness):
    """The store's user has exactly the permissions in the README."""

    orders_lists_exactly = False

    def __init__(self, *servers: RedisServer, cluster: bool = False) -> None:
        self.namespace = f"test-{uuid.uuid4()}"
        self.cluster = cluster
        self.ports = [server.port for server in servers]
        self.port = self.ports[0]
        login = ""
        for server in servers:
            with connect(server.port) as client:
                login = add_user(client, self.namespace, is_cluster=cluster)
        self.url = f"redis://{login}@127.0.0.1:{self.port}"

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> RedisChatStore:
        assert clock is None  # the server's clock decides
        return RedisChatStore(self.url, ttl=ttl, namespace=self.namespace, cluster=self.cluster)

    def opener(self) -> Callable[[], RedisChatStore]:
        return partial(RedisChatStore, self.url, namespace=self.namespace, cluster=self.cluster)

    def corrupt(self, key: str, index: int) -> None:
        with self._record(key, index) as (client, bodies, name):
            client.hset(bodies, name, '{"v":1,')

    def lose(self, key: str, index: int) -> None:
        with self._record(key, index) as (client, bodies, name):
            client.hdel(bodies, name)

    @contextmanager
    def _record(self, key: str, index: int) -> Iterator[Any]:
        """Return a client, the hash of bodies, and the id of a message."""
        kind: Any = redis.RedisCluster if self.cluster else redis.Redis
        with kind(host="127.0.0.1", port=self.port) as client:
            _, order, bodies, *_ = KeySpace(self.namespace).keys(key)
            [name] = client.zrange(order, index, index)
            yield client, bodies, name

    @contextmanager
    def read_only(self) -> Iterator[RedisChatStore]:
        name = f"reader-{self.namespace}"
        allowed = "+@read +eval +evalsha +ping +time +command +cluster|slots"
        for port in self.ports:
            with connect(port) as client:
                rule = f"on >{PASSWORD} ~{self.namespace}:* -@all {allowed}"
                client.execute_command("ACL", "SETUSER", name, *rule.split())
        url = f"redis://{name}:{PASSWORD}@127.0.0.1:{self.port}"
        yield RedisChatStore(url, namespace=self.namespace, cluster=self.cluster)

    def pass_time(self, seconds: float) -> None:
        for port in self.ports:
            with connect(port) as client:
                expire_earlier(client, self.namespace, seconds)

    def counts(self) -> Counts:
        stats = []
        for port in self.ports:
            with connect(port) as client:
                stats.append(client.info("stats"))
        traffic = sum(one["total_net_input_bytes"] + one["total_net_output_bytes"] for one in stats)
        return Counts(sum(one["total_commands_processed"] for one in stats), traffic)

    def stored(self) -> int:
        """Count the parts' elements, without the calls that are remembered, which expire."""
        return sum(map(self._stored, self.ports))

    def _stored(self, port: int) -> int:
        sizes = {b"hash": "hlen", b"zset": "zcard", b"string": "strlen"}
        with connect(port) as client:
            keys = [
                key
                for key in client.scan_iter(f"{self.namespace}*")
                if b":requests" not in key.rpartition(b"}")[2]
            ]
            return sum(getattr(client, sizes[client.type(key)])(key) for key in keys)


class ServerHarness(RedisHarness):
    """A single server, which tests can disturb."""

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Take all permissions from the store's user."""
        with connect(self.port) as client:
            name = urlsplit(self.url).username
            [line] = [line for line in client.acl_list() if line.split()[1] == name]
            client.execute_command("ACL", "SETUSER", name, "-@all")
            yield
            client.execute_command("ACL", "SETUSER", name, "reset", *line.split()[2:])

    def unreachable(self) -> RedisChatStore:
        return RedisChatStore(f"redis://127.0.0.1:{free_port()}", patience=0.2)

    @contextmanager
    def slow(self) -> Iterator[float]:
        with connect(self.port) as client:
            client.client_pause(500)
        yield 0.5


# The cluster tests mixed calls of both modes; the long run tests all modes on both.
if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    SingleContract = ChatStoreContract
    ClusterContract = ChatStoreContract
else:
    SingleContract = SyncAsyncContract
    ClusterContract = MixedContract


class TestRedis(SingleContract, ProcessContract):
    share_of_examples = 5  # as in the long run

    @pytest.fixture
    def harness(self, server: RedisServer) -> ServerHarness:
        return ServerHarness(server)


class TestRedisCluster(ClusterContract, ProcessContract):
    @pytest.fixture
    def harness(self, cluster: list[RedisServer]) -> RedisHarness:
        return RedisHarness(*cluster, cluster=True)
