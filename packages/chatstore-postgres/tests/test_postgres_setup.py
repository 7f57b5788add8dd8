"""Tables: created once, by the store or by an administrator, under any name."""

from __future__ import annotations

import asyncio
import multiprocessing
import warnings
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from postgres_calling import contents, message
from postgres_harness import fresh_name
from postgres_servers import PostgresServer

from chatstore.core import (
    ChatStore,
    InvalidArgumentError,
    SchemaVersionError,
    StoreAccessError,
)
from chatstore.core.errors import StoreSetupError
from chatstore.postgres import PostgresChatStore

ODD_NAMES = [
    'quo"te',
    'x"; DROP TABLE victims; --',
    "Capital Letters",
    "per%cent %s %(p1)s $1 {heads}",
    "ünïcode 😀",
    "select",
    "n" * 49,
]


def use(store: ChatStore) -> None:
    store.add_message("k", message("a"))
    store.set_messages("k", [message("b"), message("c")])
    store.add_message("k", message("x"), 1)
    removed = store.delete_last_message("k")
    assert removed is not None
    assert removed.content == "c"
    store.purge_expired()
    assert contents(store.get_messages("k")) == ["b", "x"]
    assert store.get_keys() == ["k"]


async def async_use(store: ChatStore) -> None:
    await store.async_add_message("k", message("y"))
    await store.async_purge_expired()
    assert await store.async_count_messages("k") == 3
    await store.async_delete_messages("k")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_are_only_names(older_server: PostgresServer, name: str) -> None:
    schema = f"{name[:20]}{uuid4().hex}"
    with PostgresChatStore.from_uri(
        older_server.url(), table_name=name, schema_name=schema
    ) as store:
        use(store)
        asyncio.run(async_use(store))
    rows = older_server.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", schema
    )
    suffixes = ("_requests", "_conversations", "_messages", "_schema")
    assert sorted(row[0] for row in rows) == sorted(f"{name}{suffix}" for suffix in suffixes)


@pytest.mark.parametrize(
    "names",
    [
        {"table_name": ""},
        {"table_name": "n" * 50},
        {"table_name": "ü" * 25},
        {"table_name": "a\0b"},
        {"table_name": "a\ud800"},
        {"table_name": 7},
        {"schema_name": ""},
        {"schema_name": "s" * 64},
    ],
)
def test_names_that_postgres_would_cut_or_refuse(names: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="name"):
        PostgresChatStore.from_uri("postgresql://host/db", **names)


def test_two_stores_in_one_schema_are_apart(older_server: PostgresServer) -> None:
    names = [fresh_name(), fresh_name()]
    first, second = (PostgresChatStore.from_uri(older_server.url(), table_name=n) for n in names)
    with first, second:
        first.add_message("k", message("a"))
        assert second.get_keys() == []


def test_setup_creates_tables_for_stores_that_may_not(older_server: PostgresServer) -> None:
    name = fresh_name()
    url = older_server.url()
    with PostgresChatStore.from_uri(url, table_name=name, create=False) as store:
        with pytest.raises(StoreSetupError, match="setup"):
            store.count_messages("k")
        store.setup()
        store.setup()
        use(store)
    with PostgresChatStore.from_uri(url, table_name=name, create=False) as store:
        asyncio.run(store.async_setup())
        asyncio.run(async_use(store))


def test_printed_sql_creates_the_tables(older_server: PostgresServer) -> None:
    name, schema = 'Odd " name', f"s {uuid4().hex}"
    text = PostgresChatStore.ddl(name, schema)
    with psycopg.connect(older_server.url(), autocommit=True) as connection:
        connection.execute(text.encode())
    with PostgresChatStore.from_uri(
        older_server.url(), table_name=name, schema_name=schema, create=False
    ) as store:
        use(store)
    assert older_server.execute(f'SELECT version FROM "{schema}"."Odd "" name_schema"') == [(1,)]


def test_later_schema_is_refused(older_server: PostgresServer) -> None:
    name = fresh_name()
    with PostgresChatStore.from_uri(older_server.url(), table_name=name) as store:
        store.add_message("k", message("a"))
    older_server.execute(f"INSERT INTO {name}_schema (version) VALUES (99)")
    for create in (True, False):
        with (
            PostgresChatStore.from_uri(older_server.url(), table_name=name, create=create) as store,
            pytest.raises(SchemaVersionError, match="99"),
        ):
            store.get_messages("k")


def test_user_without_rights_uses_existing_tables(older_server: PostgresServer) -> None:
    name, role = fresh_name(), fresh_name()
    schema = fresh_name()
    with PostgresChatStore.from_uri(
        older_server.url(), table_name=name, schema_name=schema
    ) as store:
        store.setup()
    older_server.execute(f"CREATE ROLE {role} LOGIN")
    older_server.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    older_server.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}")
    url = older_server.url().replace("postgres@", f"{role}@")
    with PostgresChatStore.from_uri(url, table_name=name, schema_name=schema) as store:
        use(store)
    with (
        PostgresChatStore.from_uri(url, table_name="other", schema_name=schema) as store,
        pytest.raises(StoreAccessError),
    ):
        store.count_messages("k")


def use_first(url: str, name: str, number: int, barrier: Any) -> None:
    """In a forked child: wait for the others, then make the first call."""
    store = PostgresChatStore.from_uri(url, table_name=name, schema_name=name)
    barrier.wait(60)
    if number % 2:
        store.add_message("k", message(str(number)))
        store.close()
    else:
        asyncio.run(store.async_add_message("k", message(str(number))))


def test_sixteen_processes_create_the_tables_at_once(newest_server: PostgresServer) -> None:
    name = fresh_name()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(16)
    workers = [
        context.Process(target=use_first, args=(newest_server.url(), name, number, barrier))
        for number in range(16)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads
        for worker in workers:
            worker.start()
    for worker in workers:
        worker.join(60)
        worker.kill()
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 16
    with PostgresChatStore.from_uri(
        newest_server.url(), table_name=name, schema_name=name
    ) as store:
        numbers = sorted(map(int, contents(store.get_messages("k"))))
    assert numbers == list(range(16))
    assert newest_server.execute(f"SELECT version FROM {name}.{name}_schema") == [(1,)]
