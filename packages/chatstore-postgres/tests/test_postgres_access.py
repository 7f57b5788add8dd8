"""Users and statements that the database refuses, and the errors for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from postgres_calling import Caller, contents, message
from postgres_harness import PostgresHarness, fresh_name
from postgres_servers import PostgresServer, older_binaries

from chatstore.core import (
    ChatStore,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.postgres import PostgresChatStore

SECRET = "p@ss:w/rd%41 ü?#"


@pytest.fixture
def harness(older_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(older_server)


@pytest.fixture(scope="module")
def strict_server() -> Iterator[PostgresServer]:
    """Return a server that asks one user for a password."""
    server = PostgresServer(older_binaries())
    server.execute(f"CREATE ROLE friend LOGIN SUPERUSER PASSWORD '{SECRET}'")
    rules = server.folder / "data/pg_hba.conf"
    rules.write_text(f"host all friend all scram-sha-256\n{rules.read_text()}")
    server.execute("SELECT pg_reload_conf()")
    yield server
    server.close()


def strict_url(server: PostgresServer, password: str) -> Any:
    from urllib.parse import quote

    return f"postgresql://friend:{quote(password, safe='')}@127.0.0.1:{server.port}/postgres"


def test_special_characters_in_a_password(strict_server: PostgresServer, call: Caller) -> None:
    url = strict_url(strict_server, SECRET)
    with call.using(PostgresChatStore.from_uri(url, table_name=fresh_name())) as store:
        call(store, "add_message", "k", message("a"))
        assert call(store, "count_messages", "k") == 1


@pytest.mark.parametrize("password", ["wr0ng-Secret", ""])
def test_wrong_password_is_refused_at_once_and_not_shown(
    strict_server: PostgresServer, call: Caller, password: str
) -> None:
    url = strict_url(strict_server, password)
    with (
        call.using(PostgresChatStore.from_uri(url, table_name=fresh_name(), patience=600)) as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        call(store, "count_messages", "k")
    if password:
        assert password not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert "password" in str(caught.value)


@pytest.mark.parametrize("database", ["nowhere", "no%20where"])
def test_missing_database(older_server: PostgresServer, call: Caller, database: str) -> None:
    with (
        call.using(PostgresChatStore.from_uri(older_server.url(database))) as store,
        pytest.raises(StoreAccessError, match="does not exist"),
    ):
        call(store, "count_messages", "k")


def test_read_only_database_is_read_and_refuses_writes(
    harness: PostgresHarness, call: Caller
) -> None:
    with harness.open() as store:
        store.add_message("k", message("a"))
    role = fresh_name()
    harness.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    harness.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    url = harness.url.replace("postgres@", f"{role}@")
    with call.using(
        PostgresChatStore.from_uri(url, table_name=harness.table, patience=0.5)
    ) as store:
        assert call(store, "count_messages", "k") == 1
        for name, *args in (
            ("add_message", "k", message("b")),
            ("add_message", "k", message("b"), 0),
            ("set_messages", "k", [message("b")]),
            ("delete_last_message", "k"),
            ("delete_messages", "k"),
            ("check",),
        ):
            with pytest.raises(StoreAccessError, match="read-only"):
                call(store, name, *args)
        assert contents(call(store, "get_messages", "k")) == ["a"]
    with (
        call.using(PostgresChatStore.from_uri(url, table_name=fresh_name(), patience=0.5)) as store,
        pytest.raises(StoreAccessError, match="read-only"),
    ):
        call(store, "count_messages", "k")


@pytest.mark.short_timeout(3)
def test_statement_timeout_is_reported_and_heals(harness: PostgresHarness, call: Caller) -> None:
    role = fresh_name()
    harness.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    harness.execute(f"ALTER ROLE {role} SET statement_timeout = '3s'")
    url = harness.url.replace("postgres@", f"{role}@")
    with call.using(PostgresChatStore.from_uri(url, table_name=harness.table)) as store:
        call(store, "add_message", "k", message("a"))
        with psycopg.connect(harness.url) as other:
            other.execute(f"SELECT 1 FROM {harness.table}_conversations FOR UPDATE".encode())
            with pytest.raises(StoreUnavailableError, match="statement timeout"):
                call(store, "add_message", "k", message("b"))
        call(store, "add_message", "k", message("c"))
        assert contents(call(store, "get_messages", "k")) == ["a", "c"]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_other_levels_of_isolation(harness: PostgresHarness, level: str) -> None:
    role = fresh_name()
    harness.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    harness.execute(f"ALTER ROLE {role} SET default_transaction_isolation = '{level}'")
    url = harness.url.replace("postgres@", f"{role}@")

    async def append(store: ChatStore, name: str) -> None:
        for number in range(10):
            await store.async_add_message("k", message(f"{name}.{number}"))

    async def scenario() -> Any:
        async with PostgresChatStore.from_uri(url, table_name=harness.table) as store:
            await asyncio.gather(*(append(store, name) for name in "abcd"))
            return contents(await store.async_get_messages("k"))

    result = asyncio.run(scenario())
    assert len(result) == 40
    for name in "abcd":
        assert [t for t in result if t[0] == name] == [f"{name}.{number}" for number in range(10)]


def test_body_that_only_a_client_can_check(harness: PostgresHarness, call: Caller) -> None:
    """A reformatted body can be read and removed."""
    with harness.open() as store:
        call(store, "add_messages", "k", [message("a"), message("b")])
        harness.execute(
            "UPDATE {t}_messages SET body = replace(body, '{{\"v\":1,', '{{\"v\": 1, ')"
        )
        assert call(store, "delete_last_message", "k").content == "b"
        assert call(store, "delete_message", "k", 0).content == "a"
        assert call(store, "get_keys") == []


def test_json_that_is_not_a_message_is_not_removed(harness: PostgresHarness, call: Caller) -> None:
    from chatstore.core import CorruptMessageError

    with harness.open() as store:
        call(store, "add_message", "k", message("a"))
        harness.execute('UPDATE {t}_messages SET body = \'{{"v":1,"role":"user"}}\'')
        harness.execute('UPDATE {t}_messages SET body = \'{{"v":1,"role":"nobody"}}\'')
        with pytest.raises(CorruptMessageError):
            call(store, "delete_last_message", "k")
        assert call(store, "count_messages", "k") == 1


def test_unix_socket(older_server: PostgresServer, call: Caller) -> None:
    url = f"postgresql://postgres@/postgres?host={older_server.folder}&port={older_server.port}"
    with call.using(PostgresChatStore.from_uri(url, table_name=f"u{uuid4().hex}")) as store:
        call(store, "add_message", "k", message("a"))
        assert call(store, "count_messages", "k") == 1


def test_several_hosts(older_server: PostgresServer, call: Caller) -> None:
    from postgres_servers import free_port

    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{older_server.port}"
    url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
    with call.using(PostgresChatStore.from_uri(url, table_name=f"h{uuid4().hex}")) as store:
        call(store, "add_message", "k", message("a"))
        assert call(store, "count_messages", "k") == 1


@pytest.mark.parametrize("query", ["sslmode=prefer", "sslmode=disable", "ssl=disable"])
def test_sslmode_beside_the_stores_options(
    older_server: PostgresServer, call: Caller, query: str
) -> None:
    more = "channel_binding=prefer&application_name=chat&connect_timeout=5&statement_cache_size=0"
    url = f"{older_server.url()}?ttl=60&table_name=t{uuid4().hex}&{query}&{more}"
    with PostgresChatStore.from_url(url) as store:
        call(store, "add_message", "k", message("a"))
        assert call(store, "count_messages", "k") == 1


def test_server_without_tls_is_refused_where_it_is_required(
    older_server: PostgresServer, call: Caller
) -> None:
    url = f"{older_server.url()}?sslmode=require"
    with (
        call.using(PostgresChatStore.from_uri(url, patience=0.1)) as store,
        pytest.raises((StoreUnavailableError, StoreAccessError)),
    ):
        call(store, "count_messages", "k")
