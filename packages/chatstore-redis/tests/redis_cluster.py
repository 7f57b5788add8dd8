"""A cluster of three redis-servers on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from redis_admin import connect

from chatstore.redis_scripts.testing import RedisServer, redis_server

SLOTS = 16384
PATIENCE = 30.0  # seconds until the nodes must know each other


@contextmanager
def redis_cluster() -> Iterator[list[RedisServer]]:
    """Start three nodes and give each a third of the slots."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "3000")
    with ExitStack() as stack:
        servers = [stack.enter_context(redis_server(*options)) for _ in range(3)]
        nodes = [connect(server.port) for server in servers]
        for node in nodes:
            stack.callback(node.close)
        for number, node in enumerate(nodes):
            slots = range(SLOTS * number // 3, SLOTS * (number + 1) // 3)
            node.execute_command("CLUSTER ADDSLOTS", *slots)
            node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for server in servers[1:]:
            nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", server.port)
        deadline = time.monotonic() + PATIENCE
        while not all(_is_ready(node) for node in nodes):
            if time.monotonic() > deadline:
                raise RuntimeError("the nodes did not become a cluster")
            time.sleep(0.05)
        yield servers


def _is_ready(node: Any) -> bool:
    state = node.execute_command("CLUSTER INFO")
    return bool(state["cluster_state"] == "ok" and state["cluster_known_nodes"] == "3")
