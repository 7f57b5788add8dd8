"""Connections that the server made useless are discarded, and the call is sent again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from asyncpg import PostgresError  # type: ignore[import-untyped]
from postgres_calling import Caller, contents, message
from postgres_faults import FaultProxy
from postgres_harness import PostgresHarness, backend_of, fresh_name, pooled
from postgres_servers import PostgresServer, newest_binaries
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from chatstore.core import ChatStore, StoreAccessError, StoreUnavailableError
from chatstore.core.backend import Plan
from chatstore.postgres import PostgresChatStore, drivers
from chatstore.postgres.client import (
    BEGIN,
    IDLE_SECONDS,
    PooledClients,
    Session,
    fetch,
    transact,
)
from chatstore.postgres.sql.rendering import Sql

CALLS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("add_message", (message("x"),)),
    ("add_message", (message("y"), 0)),
    ("add_messages", ([message("p"), message("q")],)),
    ("get_messages", ()),
    ("count_messages", ()),
    ("delete_last_message", ()),
    ("set_messages", ([message("s"), message("t")],)),
)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """Return a server that may be stopped and configured."""
    server = PostgresServer(newest_binaries())
    yield server
    server.close()


@pytest.fixture
def proxy(own_server: PostgresServer) -> Iterator[FaultProxy]:
    started = FaultProxy(own_server.port)
    yield started
    started.close()


@pytest.fixture
def harness(own_server: PostgresServer, proxy: FaultProxy) -> PostgresHarness:
    return PostgresHarness(own_server, proxy.url)


@pytest.fixture(params=["url", "engines"])
def store(
    request: pytest.FixtureRequest, harness: PostgresHarness, call: Caller
) -> Iterator[ChatStore]:
    """Return a store of each kind, after each of its calls was made a few times."""
    with PostgresChatStore(harness.server.url(), table_name=harness.table) as first:
        first.setup()
    if request.param == "url":
        opened = PostgresChatStore(harness.url, table_name=harness.table, patience=60)
    else:
        opened = PostgresChatStore(
            client=create_engine(harness.url.replace("postgresql:", "postgresql+psycopg:")),
            async_client=create_async_engine(
                harness.url.replace("postgresql:", "postgresql+asyncpg:")
            ),
            table_name=harness.table,
            patience=60,
        )
    with call.using(opened):
        for _ in range(7):  # psycopg prepares what it executes for the sixth time
            for name, arguments in CALLS:
                call(opened, name, "warm", *_fresh(arguments))
        call(opened, "set_messages", "k", [message("first")])
        yield opened
    options = opened._constructed_with[1]
    if options.get("client") is not None:
        options["client"].dispose()
        call.run(options["async_client"].dispose())


def _fresh(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments whose messages have no id yet."""
    copies: list[Any] = []
    for argument in arguments:
        if isinstance(argument, list):
            copies.append([one.model_copy() for one in argument])
        else:
            copies.append(argument.model_copy() if hasattr(argument, "model_copy") else argument)
    return tuple(copies)


def make_every_call(store: ChatStore, call: Caller, disturb: Any) -> None:
    """Disturb the connections before each kind of call, and check what it did."""
    for name, arguments in CALLS:
        before = contents(call(store, "get_messages", "k"))
        disturb()
        result = call(store, name, "k", *_fresh(arguments))
        after = contents(call(store, "get_messages", "k"))
        expected = {
            "add_message": [*before, "x"] if len(arguments) == 1 else ["y", *before],
            "add_messages": [*before, "p", "q"],
            "delete_last_message": before[:-1],
            "set_messages": ["s", "t"],
        }.get(name, before)
        assert after == expected, name
        if name == "get_messages":
            assert contents(result) == before


def test_terminated_sessions(own_server: PostgresServer, store: ChatStore, call: Caller) -> None:
    def terminate() -> None:
        own_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    make_every_call(store, call, terminate)


def test_idle_session_timeout(own_server: PostgresServer, store: ChatStore, call: Caller) -> None:
    own_server.execute("ALTER SYSTEM SET idle_session_timeout = '150ms'")
    own_server.execute("SELECT pg_reload_conf()")
    try:
        time.sleep(0.2)  # sessions that are idle now keep their settings
        make_every_call(store, call, lambda: time.sleep(0.3))
    finally:
        own_server.execute("ALTER SYSTEM RESET idle_session_timeout")
        own_server.execute("SELECT pg_reload_conf()")


def test_lost_prepared_statements(
    own_server: PostgresServer, store: ChatStore, call: Caller
) -> None:
    """A pooler uses another connection, or clears its session."""

    def forget() -> None:
        if not isinstance(backend_of(store)._clients, PooledClients):  # through SQLAlchemy's pool
            statement = "DEALLOCATE ALL"
            if call.mode == "sync":
                with backend_of(store)._clients.sync_client._acquire() as session:
                    connection: Any = vars(session)["_connection"]
                    connection.exec_driver_sql(statement)
            else:
                call.run(_execute_async(store, statement))
        elif call.mode == "sync":
            with pooled(store).pool.session() as session:
                session._connection.pgconn.exec_(b"DISCARD ALL")
        else:
            call.run(_execute_async(store, "DISCARD ALL"))

    make_every_call(store, call, forget)


async def _execute_async(store: ChatStore, statement: str) -> None:
    async with backend_of(store)._clients.async_client._acquire() as session:
        connection: Any = vars(session)["_connection"]
        execute = getattr(connection, "exec_driver_sql", None) or connection.execute
        await execute(statement)


CHANGES = (
    "ALTER TABLE {t}_messages ALTER COLUMN body TYPE varchar",
    "ALTER TABLE {t}_conversations ALTER COLUMN length TYPE integer",
    "ALTER TABLE {t}_conversations ALTER COLUMN epoch TYPE integer, ADD COLUMN more jsonb",
    "ALTER TABLE {t}_messages ADD COLUMN note text",
)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_tables(
    harness: PostgresHarness, store: ChatStore, call: Caller, change: str
) -> None:
    """Prepared statements whose results have other types are prepared again."""
    harness.server.execute(change.format(t=harness.table))
    make_every_call(store, call, lambda: None)


def test_restart(own_server: PostgresServer, store: ChatStore, call: Caller) -> None:
    def restart() -> None:
        own_server.stop()
        own_server.start()

    restart()
    before = contents(call(store, "get_messages", "k"))
    restart()
    call(store, "add_message", "k", message("x"))
    assert contents(call(store, "get_messages", "k")) == [*before, "x"]


def test_cut_connections(proxy: FaultProxy, store: ChatStore, call: Caller) -> None:
    make_every_call(store, call, proxy.cut)


@pytest.fixture(scope="module")
def old_primary(own_server: PostgresServer) -> Iterator[PostgresServer]:
    """Return a server that a failover made read-only; it is still reachable."""
    server = PostgresServer(newest_binaries(), ["default_transaction_read_only=on"])
    yield server
    server.close()


def copy_tables(harness: PostgresHarness, server: PostgresServer) -> None:
    """Create the old primary's tables, as replication does."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(PostgresChatStore.ddl(harness.table).encode())
        identity = harness.execute("SELECT identity FROM {t}_schema")[0][0]
        connection.execute(f"UPDATE {harness.table}_schema SET identity = %s".encode(), [identity])
        connection.execute(
            (
                f"INSERT INTO {harness.table}_conversations "
                "(key, epoch, next_position, length, revision, created_at, updated_at) "
                "VALUES ('k', 0, 1, 1, 1, now(), now())"
            ).encode()
        )


def test_failover_behind_one_address(
    own_server: PostgresServer,
    old_primary: PostgresServer,
    proxy: FaultProxy,
    harness: PostgresHarness,
    call: Caller,
) -> None:
    """New connections lead to the new primary, pooled ones to the old, read-only primary."""
    with PostgresChatStore(own_server.url(), table_name=harness.table) as direct:
        direct.setup()
        copy_tables(harness, old_primary)
        proxy.target = old_primary.port
        with call.using(
            PostgresChatStore(harness.url, table_name=harness.table, patience=60)
        ) as store:
            assert call(store, "count_messages", "k") == 1  # on the old primary
            proxy.target = own_server.port
            for number in range(8):
                call(store, "add_message", "k", message(str(number)))
            assert contents(direct.get_messages("k")) == list(map(str, range(8)))


def test_failover_with_many_pooled_connections(
    own_server: PostgresServer,
    old_primary: PostgresServer,
    proxy: FaultProxy,
    harness: PostgresHarness,
) -> None:
    with PostgresChatStore(own_server.url(), table_name=harness.table) as direct:
        direct.setup()
        copy_tables(harness, old_primary)
        proxy.target = old_primary.port
        with (
            PostgresChatStore(harness.url, table_name=harness.table, patience=60) as store,
            ThreadPoolExecutor(8) as pool,
        ):
            list(pool.map(lambda _: store.count_messages("k"), range(64)))

            async def many() -> None:
                await asyncio.gather(*(store.async_count_messages("k") for _ in range(16)))
                proxy.target = own_server.port
                await asyncio.gather(
                    *(store.async_add_message("k", message(f"a{n}")) for n in range(32))
                )

            asyncio.run(many())
            list(pool.map(lambda n: store.add_message("k", message(f"s{n}")), range(32)))
        assert direct.count_messages("k") == 64


@pytest.mark.parametrize("kind", ["url", "engines"])
def test_database_that_stays_read_only_is_reported_in_time(
    old_primary: PostgresServer, harness: PostgresHarness, call: Caller, kind: str
) -> None:
    with PostgresChatStore(harness.server.url(), table_name=harness.table) as direct:
        direct.setup()
    copy_tables(harness, old_primary)
    if kind == "url":
        store = PostgresChatStore(old_primary.url(), table_name=harness.table, patience=0.3)
    else:
        store = PostgresChatStore(
            client=create_engine(old_primary.url().replace(":", "+psycopg:", 1)),
            async_client=create_async_engine(old_primary.url().replace(":", "+asyncpg:", 1)),
            table_name=harness.table,
            patience=0.3,
        )
    with call.using(store):
        assert call(store, "count_messages", "k") == 1
        for name, arguments in CALLS:
            if name.startswith(("add", "set", "delete")):
                with pytest.raises(StoreAccessError, match=r"read-only.*primary"):
                    call(store, name, "k", *_fresh(arguments))
    if kind == "engines":
        store._constructed_with[1]["client"].dispose()
        call.run(store._constructed_with[1]["async_client"].dispose())


def test_connections_that_a_firewall_dropped_are_checked(
    proxy: FaultProxy, harness: PostgresHarness, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that were idle for long are checked; if one is silent, older ones go, too."""
    for module in ("psycopg", "asyncpg"):
        __import__(f"chatstore.postgres.drivers.{module}")
        monkeypatch.setattr(getattr(drivers, module), "_CHECK_SECONDS", 0.3)
    timeout = 60.0
    store = PostgresChatStore(harness.url, table_name=harness.table, timeout=timeout)
    with call.using(store):
        pooled(store).pool._idle._check_after = 0.0

        async def burst() -> None:
            await asyncio.gather(*(store.async_count_messages("k") for _ in range(8)))

        def several() -> None:
            if call.mode == "async":
                call.run(burst())
            else:
                with ThreadPoolExecutor(8) as pool:
                    list(pool.map(lambda _: store.count_messages("k"), range(8)))

        several()
        if call.mode == "async":
            call.run(pooled(store).loop_pools.get())._idle._check_after = 0.0
        proxy.forget()
        started = time.monotonic()
        call(store, "add_message", "k", message("a"))
        several()
        # Had one call waited for its answer, it would have taken the whole timeout.
        assert time.monotonic() - started < timeout
        assert call(store, "count_messages", "k") == 1


def test_a_transaction_whose_program_has_gone_locks_nobody_out(
    store: ChatStore, harness: PostgresHarness, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = [text.replace(f"{IDLE_SECONDS}s", "1s") for text in BEGIN]
    for module in ("psycopg", "asyncpg", "engines"):
        monkeypatch.setattr(f"chatstore.postgres.drivers.{module}.BEGIN", begin)
    lock = f"SELECT 1 FROM {harness.table}_conversations FOR UPDATE"
    reached = []

    def body() -> Plan[Session, None]:
        yield from fetch(Sql(lock, lock))
        with PostgresChatStore(harness.url, table_name=harness.table, timeout=60) as other:
            other.add_message("k", message("while the first program sends nothing"))
        reached.append(True)
        yield from fetch(Sql(lock, lock))

    call(store, "add_message", "k", message("a"))
    backend = backend_of(store)
    error = psycopg.Error if call.mode == "sync" else PostgresError
    run = backend.run if call.mode == "sync" else lambda plan: call.run(backend.async_run(plan))
    with pytest.raises(error):
        run(transact(body))

    assert reached
    call(store, "add_message", "k", message("after it"))


@pytest.mark.short_timeout(5)
def test_older_connections_than_a_silent_one_are_discarded(
    proxy: FaultProxy, harness: PostgresHarness, call: Caller
) -> None:
    """The first call waits for its timeout; later ones get new connections."""
    store = PostgresChatStore(harness.url, table_name=harness.table, timeout=5)
    with call.using(store):
        call(store, "setup")

        async def burst() -> None:
            await asyncio.gather(*(store.async_count_messages("k") for _ in range(6)))

        if call.mode == "async":
            call.run(burst())
        else:
            with ThreadPoolExecutor(6) as pool:
                list(pool.map(lambda _: store.count_messages("k"), range(6)))
        proxy.forget()
        with pytest.raises(StoreUnavailableError, match=r"did not answer within 5 s"):
            call(store, "count_messages", "k")
        for _ in range(6):
            assert call(store, "count_messages", "k") == 0


def test_keepalive_is_on(own_server: PostgresServer, harness: PostgresHarness) -> None:
    import socket

    def options(fd: int) -> tuple[int, int]:
        one = socket.socket(fileno=socket.dup(fd) if hasattr(socket, "dup") else fd)
        try:
            return (
                one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                one.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            )
        finally:
            one.detach()

    async def of_async(store: ChatStore) -> tuple[int, int]:
        async with pooled(store).async_client._acquire() as session:
            transport = vars(session)["_connection"]._transport
            return options(transport.get_extra_info("socket").fileno())

    with PostgresChatStore(own_server.url(), table_name=harness.table) as store:
        with pooled(store).pool.session() as session:
            assert options(session._connection.pgconn.socket) == (1, 60)
        assert asyncio.run(of_async(store)) == (1, 60)


def close_later(*connections: psycopg.Connection[Any]) -> None:
    time.sleep(1.5)
    for connection in connections:
        connection.close()


def test_server_without_free_connections_is_waited_for(
    own_server: PostgresServer, harness: PostgresHarness, call: Caller
) -> None:
    role = fresh_name()
    own_server.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")
    own_server.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    url = own_server.url().replace("postgres@", f"{role}@")
    holder = psycopg.connect(url)
    with ThreadPoolExecutor(1) as pool:
        store = PostgresChatStore(url, table_name=harness.table, max_connections=1, patience=0.2)
        with call.using(store), pytest.raises(StoreUnavailableError, match="too many connections"):
            call(store, "count_messages", "k")
        store = PostgresChatStore(url, table_name=harness.table, max_connections=1, patience=60)
        with call.using(store):
            freeing = pool.submit(close_later, holder)
            assert call(store, "count_messages", "k") == 0
            freeing.result()


def test_what_is_sent_again_is_logged(
    proxy: FaultProxy, harness: PostgresHarness, call: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with call.using(PostgresChatStore(harness.url, table_name=harness.table, patience=60)) as store:
        call(store, "add_message", "a key", message("a"))
        with caplog.at_level(logging.WARNING, "chatstore"):
            proxy.cut()
            call(store, "add_message", "a key", message("some words"))
    lines = [record.getMessage() for record in caplog.records if record.name == "chatstore"]
    assert [line for line in lines if "trying again" in line]
    for line in lines:
        assert "words" not in line
        assert "a key" not in line
