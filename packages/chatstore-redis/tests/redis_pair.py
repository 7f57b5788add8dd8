"""A primary and its replica behind one address; they change roles without losing a write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import redis

from chatstore.core.testing.relay import Relay
from chatstore.redis_scripts.testing import redis_server
from chatstore.redis_scripts.testing.servers import RedisServer

PATIENCE = 60.0  # seconds until the replica must have caught up


@contextmanager
def redis_replica(primary: RedisServer) -> Iterator[RedisServer]:
    """Start a replica that has caught up: before, it answers that it is loading its data."""
    with redis_server("--replicaof", "127.0.0.1", str(primary.port)) as replica:
        _wait_for_link(replica)
        yield replica


class Pair:
    """Two servers; clients connect to `relay`, which leads to the primary.

    Replication is asynchronous: a failover that does not wait may lose answered writes, whatever
    the client does. This one delays writes until the replica has them all.
    """

    def __init__(self) -> None:
        """Start both, and wait until the replica has caught up."""
        self._stack = ExitStack()
        self.primary = self._stack.enter_context(redis_server())
        self.replica = self._stack.enter_context(redis_replica(self.primary))
        self.relay = self._stack.enter_context(Relay(self.primary.port))
        self.failovers = 0
        self.longest_pause = 0.0  # seconds for which a failover delayed writes

    def fail_over(self) -> None:
        """Promote the replica; the old primary becomes a reachable, read-only replica."""
        _wait_for_link(self.replica)
        with _admin(self.primary.port) as old, _admin(self.replica.port) as new:
            begin = time.monotonic()
            old.execute_command("CLIENT", "PAUSE", int(PATIENCE * 1000), "WRITE")
            offset = old.info("replication")["master_repl_offset"]
            _wait(lambda: new.info("replication")["slave_repl_offset"] >= offset)
            new.execute_command("REPLICAOF", "NO", "ONE")
            self.relay.swap(self.replica.port)
            old.execute_command("REPLICAOF", "127.0.0.1", self.replica.port)
            old.execute_command("CLIENT", "UNPAUSE")
            self.longest_pause = max(self.longest_pause, time.monotonic() - begin)
        self.primary, self.replica = self.replica, self.primary
        self.failovers += 1
        _wait_for_link(self.replica)

    def close(self) -> None:
        """Stop both servers and the relay."""
        self._stack.close()


def _admin(port: int) -> redis.Redis:
    return redis.Redis(port=port)


def _wait_for_link(replica: RedisServer) -> None:
    with _admin(replica.port) as client:
        _wait(lambda: client.info("replication")["master_link_status"] == "up")


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the replica did not catch up")
        time.sleep(0.005)
