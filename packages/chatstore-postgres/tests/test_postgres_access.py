"""Whom the database refuses, what it refuses, and how that is said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from postgres_backend import PostgresBackend, fresh_name
from postgres_servers import PostgresServer, older_binaries

from chatstore.core import (
    ChatMessage,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.postgres import PostgresChatStore

SECRET = "p@ss:w/rd%41 ü?#"


def say(text):
    return ChatMessage(role="user", content=text)


def plain(store, name, *args):
    return getattr(store, name)(*args)


def awaited(store, name, *args):
    return asyncio.run(getattr(store, f"async_{name}")(*args))


@pytest.fixture(params=[plain, awaited])
def do(request):
    return request.param


@pytest.fixture
def backend(older_server):
    return PostgresBackend(older_server)


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


def strict_url(server, password):
    from urllib.parse import quote

    return f"postgresql://friend:{quote(password, safe='')}@127.0.0.1:{server.port}/postgres"


def test_special_characters_in_a_password(strict_server, do):
    url = strict_url(strict_server, SECRET)
    with PostgresChatStore.from_uri(url, table_name=fresh_name()) as store:
        do(store, "add_message", "k", say("a"))
        assert do(store, "count_messages", "k") == 1


@pytest.mark.parametrize("password", ["wr0ng-Secret", ""])
def test_wrong_password_is_refused_at_once_and_not_told(strict_server, do, password):
    url = strict_url(strict_server, password)
    with (
        PostgresChatStore.from_uri(url, table_name=fresh_name(), patience=600) as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        do(store, "count_messages", "k")
    if password:
        assert password not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert "password" in str(caught.value)


@pytest.mark.parametrize("database", ["nowhere", "no%20where"])
def test_database_that_is_not_there(older_server, do, database):
    with (
        PostgresChatStore.from_uri(older_server.url(database)) as store,
        pytest.raises(StoreAccessError, match="does not exist"),
    ):
        do(store, "count_messages", "k")


def test_read_only_database_is_read_and_refuses_writes(backend, do):
    with backend.open() as store:
        store.add_message("k", say("a"))
    role = fresh_name()
    backend.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    backend.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    url = backend.url.replace("postgres@", f"{role}@")
    with PostgresChatStore.from_uri(url, table_name=backend.table) as store:
        assert do(store, "count_messages", "k") == 1
        for name, *args in (
            ("add_message", "k", say("b")),
            ("add_message", "k", say("b"), 0),
            ("set_messages", "k", [say("b")]),
            ("delete_last_message", "k"),
            ("delete_messages", "k"),
        ):
            with pytest.raises(StoreAccessError, match="read-only"):
                do(store, name, *args)
        assert [m.content for m in do(store, "get_messages", "k")] == ["a"]
    with (
        PostgresChatStore.from_uri(url, table_name=fresh_name()) as store,
        pytest.raises(StoreAccessError, match="read-only"),
    ):
        do(store, "count_messages", "k")


def test_statement_timeout_is_reported_and_heals(backend, do):
    role = fresh_name()
    backend.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    backend.execute(f"ALTER ROLE {role} SET statement_timeout = '3s'")
    url = backend.url.replace("postgres@", f"{role}@")
    with PostgresChatStore.from_uri(url, table_name=backend.table) as store:
        do(store, "add_message", "k", say("a"))
        with psycopg.connect(backend.url) as other:
            other.execute(f"SELECT 1 FROM {backend.table}_conversations FOR UPDATE")
            with pytest.raises(StoreUnavailableError, match="statement timeout"):
                do(store, "add_message", "k", say("b"))
        do(store, "add_message", "k", say("c"))
        assert [m.content for m in do(store, "get_messages", "k")] == ["a", "c"]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_other_levels_of_isolation(backend, level):
    role = fresh_name()
    backend.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    backend.execute(f"ALTER ROLE {role} SET default_transaction_isolation = '{level}'")
    url = backend.url.replace("postgres@", f"{role}@")

    async def append(store, name):
        for number in range(10):
            await store.async_add_message("k", say(f"{name}.{number}"))

    async def scenario():
        async with PostgresChatStore.from_uri(url, table_name=backend.table) as store:
            await asyncio.gather(*(append(store, name) for name in "abcd"))
            return [m.content for m in await store.async_get_messages("k")]

    got = asyncio.run(scenario())
    assert len(got) == 40
    for name in "abcd":
        assert [t for t in got if t[0] == name] == [f"{name}.{number}" for number in range(10)]


def test_body_that_only_its_reader_can_judge(backend, do):
    """A body that was reformatted is read, and can be removed."""
    with backend.open() as store:
        do(store, "add_messages", "k", [say("a"), say("b")])
        backend.execute(
            "UPDATE {t}_messages SET body = replace(body, '{{\"v\":1,', '{{\"v\": 1, ')"
        )
        assert do(store, "delete_last_message", "k").content == "b"
        assert do(store, "delete_message", "k", 0).content == "a"
        assert do(store, "get_keys") == []


def test_json_that_is_no_message_is_not_removed(backend, do):
    from chatstore.core import CorruptMessageError

    with backend.open() as store:
        do(store, "add_message", "k", say("a"))
        backend.execute('UPDATE {t}_messages SET body = \'{{"v":1,"role":"user"}}\'')
        backend.execute('UPDATE {t}_messages SET body = \'{{"v":1,"role":"nobody"}}\'')
        with pytest.raises(CorruptMessageError):
            do(store, "delete_last_message", "k")
        assert do(store, "count_messages", "k") == 1


def test_unix_socket(older_server, do):
    url = f"postgresql://postgres@/postgres?host={older_server.folder}&port={older_server.port}"
    with PostgresChatStore.from_uri(url, table_name=f"u{uuid4().hex}") as store:
        do(store, "add_message", "k", say("a"))
        assert do(store, "count_messages", "k") == 1


def test_several_hosts(older_server, do):
    from postgres_servers import free_port

    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{older_server.port}"
    url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
    with PostgresChatStore.from_uri(url, table_name=f"h{uuid4().hex}") as store:
        do(store, "add_message", "k", say("a"))
        assert do(store, "count_messages", "k") == 1


@pytest.mark.parametrize("query", ["sslmode=prefer", "sslmode=disable", "ssl=disable"])
def test_sslmode_beside_our_own_options(older_server, do, query):
    more = "channel_binding=prefer&application_name=chat&connect_timeout=5&statement_cache_size=0"
    url = f"{older_server.url()}?ttl=60&table_name=t{uuid4().hex}&{query}&{more}"
    with PostgresChatStore.from_url(url) as store:
        do(store, "add_message", "k", say("a"))
        assert do(store, "count_messages", "k") == 1


def test_server_without_tls_is_refused_where_it_is_required(older_server, do):
    url = f"{older_server.url()}?sslmode=require"
    with (
        PostgresChatStore.from_uri(url, patience=0.1) as store,
        pytest.raises((StoreUnavailableError, StoreAccessError)),
    ):
        do(store, "count_messages", "k")
