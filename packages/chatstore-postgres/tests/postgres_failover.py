"""Two servers behind one address: a primary and its standby, which swap roles."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from postgres_faults import FaultProxy
from postgres_servers import PostgresServer

_SECONDS = 60.0


class Pair:
    """A primary with a streaming standby.

    A failover makes the primary read-only and promotes the standby. The old primary stays
    reachable on the connections that are open, as it does behind a load balancer.
    """

    def __init__(self, binaries: Path) -> None:
        """Start both servers, and a proxy that leads to the primary."""
        self._binaries = binaries
        self.primary = PostgresServer(binaries)
        self._standby: PostgresServer | None = PostgresServer(binaries, primary=self.primary)
        self._old: PostgresServer | None = None
        self.proxy = FaultProxy(self.primary.port)
        self.failovers = 0

    def fail_over(self) -> None:
        """Promote the standby, and direct new connections to it."""
        old, new = self.primary, self._ready_standby()
        old.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        old.execute("SELECT pg_reload_conf()")
        # In an orderly switchover, open transactions are committed and reach the standby.
        writing = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND backend_xid IS NOT NULL"
        )
        time.sleep(0.3)  # each session reads the settings before its next statement
        _wait(lambda: _value(old, writing) == 0)
        # The write position would miss commits that are not on disk yet.
        position = _value(old, "SELECT pg_current_wal_insert_lsn()::text")
        reached = f"SELECT pg_last_wal_replay_lsn() >= '{position}'::pg_lsn"
        _wait(lambda: _value(new, reached) is True)
        new.execute("SELECT pg_promote()")
        self.proxy.target = new.port
        self.primary, self._standby, self._old = new, None, old
        self.failovers += 1

    def rebuild(self) -> None:
        """Stop the old primary, and create another standby."""
        if self._old is not None:
            self._old.close()
            self._old = None
        self._ready_standby()

    def _ready_standby(self) -> PostgresServer:
        if self._standby is None:
            self._standby = PostgresServer(self._binaries, primary=self.primary)
        return self._standby

    def close(self) -> None:
        """Stop everything."""
        self.proxy.close()
        for server in (self.primary, self._standby, self._old):
            if server is not None:
                server.close()


def _value(server: PostgresServer, statement: str) -> object:
    return server.execute(statement)[0][0]


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError("the servers did not get ready to swap roles")
        time.sleep(0.02)
