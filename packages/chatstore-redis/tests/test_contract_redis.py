"""The contract, on a real redis-server and on a cluster of three."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from redis_rights import add_user

from chatstore.core.testing import (
    ChatStoreContract,
    ContractHarness,
    MixedContract,
    ProcessContract,
)
from chatstore.core.testing.harness import Counts
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.layout import conversation_keys
from chatstore.redis_scripts.testing import RedisServer
from chatstore.redis_scripts.testing.servers import free_port


class RedisHarness(ContractHarness):
    """The store's user has exactly the rights that the README advises."""

    def __init__(self, *servers: Any, cluster: list[RedisServer] = False) -> None:
        namespace = f"test-{uuid.uuid4()}"
        for server in servers:
            with redis.Redis(port=server.port) as client:
                login = add_user(client, namespace, is_cluster=cluster)
        self.admin_url = f"redis://127.0.0.1:{servers[0].port}"
        self.url = f"redis://{login}@127.0.0.1:{servers[0].port}"
        self.options = {"namespace": namespace, "cluster": cluster}

    def open(self, *, ttl: Any = None, clock: Any = None) -> Any:
        assert clock is None  # the server's clock decides
        return RedisChatStore(self.url, ttl=ttl, **self.options)

    def opener(self) -> Any:
        return partial(RedisChatStore, self.url, **self.options)

    def corrupt(self, key: str, index: Any) -> None:
        kind = redis.RedisCluster if self.options["cluster"] else redis.Redis
        with kind.from_url(self.admin_url) as client:
            _, order, bodies, *_ = conversation_keys(self.options["namespace"], key)
            [name] = client.zrange(order, index, index)
            client.hset(bodies, name, '{"v":1,')


class ServerHarness(RedisHarness):
    """A single server, which tests can inspect and disturb."""

    def counts(self) -> Any:
        with redis.Redis.from_url(self.admin_url) as client:
            stats = client.info("stats")
        traffic = stats["total_net_input_bytes"] + stats["total_net_output_bytes"]
        return Counts(stats["total_commands_processed"], traffic)

    def stored(self) -> Any:
        """Count the parts' elements, without what recent calls did, which expires."""
        sizes = {b"hash": "hlen", b"zset": "zcard", b"string": "strlen"}
        with redis.Redis.from_url(self.admin_url) as client:
            keys = [
                key
                for key in client.scan_iter(f"{self.options['namespace']}*")
                if b":calls" not in key.rpartition(b"}")[2]
            ]
            return sum(getattr(client, sizes[client.type(key)])(key) for key in keys)

    @contextmanager
    def failing(self) -> Iterator[Any]:
        """Take all rights from the store's user."""
        with redis.Redis.from_url(self.admin_url) as client:
            name = urlsplit(self.url).username
            [line] = [line for line in client.acl_list() if line.split()[1] == name]
            client.execute_command("ACL", "SETUSER", name, "-@all")
            yield
            client.execute_command("ACL", "SETUSER", name, "reset", *line.split()[2:])

    def unreachable(self) -> Any:
        return RedisChatStore(f"redis://127.0.0.1:{free_port()}")

    @contextmanager
    def slow(self) -> Iterator[Any]:
        with redis.Redis.from_url(self.admin_url) as client:
            client.client_pause(500)
        yield 0.5


class TestRedis(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def harness(self, server: RedisServer) -> Any:
        return ServerHarness(server)


# The long run also tests each mode alone.
ClusterContract = ChatStoreContract if os.environ.get("CHATSTORE_SOAK") else MixedContract


class TestRedisCluster(ClusterContract, ProcessContract):
    @pytest.fixture
    def harness(self, cluster: list[RedisServer]) -> Any:
        return RedisHarness(*cluster, cluster=True)
