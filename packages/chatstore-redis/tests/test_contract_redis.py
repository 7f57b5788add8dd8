"""The contract, on a real redis-server and on a cluster of three."""

import os
import uuid
from functools import partial

import pytest
import redis
from redis_rights import add_user

from chatstore.core.testing import (
    AcrossContract,
    Backend,
    ChatStoreContract,
    ProcessContract,
)
from chatstore.lua.layout import conversation_keys
from chatstore.redis import RedisChatStore


class RedisBackend(Backend):
    """The store's user has exactly the rights that the README advises."""

    def __init__(self, *servers, cluster=False):
        namespace = f"test-{uuid.uuid4()}"
        for server in servers:
            with redis.Redis(port=server.port) as client:
                login = add_user(client, namespace, is_cluster=cluster)
        self.admin_url = f"redis://127.0.0.1:{servers[0].port}"
        self.url = f"redis://{login}@127.0.0.1:{servers[0].port}"
        self.options = {"namespace": namespace, "cluster": cluster}

    def open(self, *, ttl=None, clock=None):
        assert clock is None  # the server's clock decides
        return RedisChatStore(self.url, ttl, **self.options)

    def opener(self):
        return partial(RedisChatStore, self.url, **self.options)

    def corrupt(self, key, index):
        kind = redis.RedisCluster if self.options["cluster"] else redis.Redis
        with kind.from_url(self.admin_url) as client:
            _, order, bodies, *_ = conversation_keys(self.options["namespace"], key)
            [name] = client.zrange(order, index, index)
            client.hset(bodies, name, '{"v":1,')


class TestRedis(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def backend(self, server):
        return RedisBackend(server)


# Each mode by itself is for the long run.
ClusterContract = ChatStoreContract if os.environ.get("CHATSTORE_SOAK") else AcrossContract


class TestRedisCluster(ClusterContract, ProcessContract):
    @pytest.fixture
    def backend(self, cluster):
        return RedisBackend(*cluster, cluster=True)
