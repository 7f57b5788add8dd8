"""Stores on tables of their own, for the contract and for other tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

from postgres_servers import PostgresServer, free_port

from chatstore.core import ChatStore
from chatstore.core.testing import ContractHarness
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.backend import PostgresBackend
from chatstore.postgres.client import PooledClients


def fresh_name() -> str:
    """Return a name for tables that no other test has."""
    return f"t{uuid4().hex}"


def backend_of(store: ChatStore) -> PostgresBackend:
    """Return a store's backend, to look into it."""
    backend = store.backend
    assert isinstance(backend, PostgresBackend)
    return backend


def pooled(store: ChatStore) -> PooledClients:
    """Return the clients of a store that has connections of its own."""
    clients = backend_of(store)._clients
    assert isinstance(clients, PooledClients)
    return clients


class PostgresHarness(ContractHarness):
    def __init__(self, server: PostgresServer, url: str | None = None) -> None:
        self.server = server
        self.table = fresh_name()
        self.url = url or server.url()

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> PostgresChatStore:
        return PostgresChatStore.from_uri(self.url, table_name=self.table, ttl=ttl)

    def opener(self) -> Callable[[], PostgresChatStore]:
        return partial(PostgresChatStore.from_uri, self.url, table_name=self.table)

    def unreachable(self) -> PostgresChatStore:
        return PostgresChatStore.from_uri(
            f"postgresql://postgres@127.0.0.1:{free_port()}/postgres", patience=0.2
        )

    def corrupt(self, key: str, index: int) -> None:
        self.execute(
            "UPDATE {t}_messages SET body = '{{' WHERE (conversation, position) = ("
            "SELECT m.conversation, m.position FROM {t}_messages m "
            "JOIN {t}_conversations c ON c.id = m.conversation "
            "WHERE c.key = %s ORDER BY m.position LIMIT 1 OFFSET %s)",
            key.encode(),
            index,
        )

    def stored(self) -> int:
        """Count the rows of conversations and messages."""
        tables = ("{t}_conversations", "{t}_messages")
        return sum(self.execute(f"SELECT count(*) FROM {one}")[0][0] for one in tables)

    def pass_time(self, seconds: float) -> None:
        self.execute(
            "UPDATE {t}_conversations SET expires_at = expires_at - make_interval(secs => %s)",
            seconds,
        )

    @contextmanager
    def read_only(self) -> Iterator[PostgresChatStore]:
        role = fresh_name()
        self.execute(f"CREATE ROLE {role} LOGIN")
        for table in ("conversations", "messages", "requests", "schema"):
            self.execute(f"GRANT SELECT ON {{t}}_{table} TO {role}")
        url = self.server.url().replace("postgres@", f"{role}@")
        yield PostgresChatStore.from_uri(url, table_name=self.table, patience=0.2)

    @contextmanager
    def slow(self) -> Iterator[float]:
        """Hold a lock that writers need."""
        seconds = 0.5
        holder = threading.Thread(
            target=self.execute,
            args=(f"BEGIN; LOCK TABLE {{t}}_messages; SELECT pg_sleep({seconds}); COMMIT",),
        )
        holder.start()
        while not self.execute(
            "SELECT 1 FROM pg_locks WHERE relation = '{t}_messages'::regclass "
            "AND mode = 'AccessExclusiveLock' AND granted"
        ):
            time.sleep(0.01)
        yield seconds
        holder.join()

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute a statement without a store, with ``{t}`` for the tables' name."""
        return self.server.execute(statement.format(t=self.table), *values)
