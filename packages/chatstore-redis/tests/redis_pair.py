"""A primary and its replica behind one address; they change roles without losing a write."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import redis

from chatstore.core.testing.relay import Relay
from chatstore.redis_scripts.testing import redis_server

PATIENCE = 60.0  # seconds until the replica must have caught up


class Pair:
    """Two servers; clients connect to `relay`, which leads to the primary.

    Replication is asynchronous: a failover that does not wait may lose answered writes, whatever
    the client does. This one delays writes until the replica has them all.
    """

    def __init__(self) -> None:
        """Start both, and wait until the replica has caught up."""
        self._stack = ExitStack()
        self.primary = self._stack.enter_context(redis_server())
        address = ("127.0.0.1", str(self.primary.port))
        self.replica = self._stack.enter_context(redis_server("--replicaof", *address))
        self.relay = self._stack.enter_context(Relay(self.primary.port))
        self.failovers = 0
        self.longest_pause = 0.0  # seconds for which a failover delayed writes
        self._wait_for_link()

    def fail_over(self) -> None:
        """Promote the replica; the old primary becomes a reachable, read-only replica."""
        self._wait_for_link()
        with self._admin(self.primary.port) as old, self._admin(self.replica.port) as new:
            begin = time.monotonic()
            old.execute_command("CLIENT", "PAUSE", int(PATIENCE * 1000), "WRITE")
            offset = old.info("replication")["master_repl_offset"]
            self._wait(lambda: new.info("replication")["slave_repl_offset"] >= offset)
            new.execute_command("REPLICAOF", "NO", "ONE")
            self.relay.swap(self.replica.port)
            old.execute_command("REPLICAOF", "127.0.0.1", self.replica.port)
            old.execute_command("CLIENT", "UNPAUSE")
            self.longest_pause = max(self.longest_pause, time.monotonic() - begin)
        self.primary, self.replica = self.replica, self.primary
        self.failovers += 1
        self._wait_for_link()

    def close(self) -> None:
        """Stop both servers and the relay."""
        self._stack.close()

    def _wait_for_link(self) -> None:
        with self._admin(self.replica.port) as client:
            self._wait(lambda: client.info("replication")["master_link_status"] == "up")

    def _wait(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError("the replica did not catch up")
            time.sleep(0.005)

    def _admin(self, port: int) -> redis.Redis:
        return redis.Redis(port=port)
