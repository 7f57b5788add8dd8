"""URLs and arguments are checked before anything is opened; passwords are never quoted."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from postgres_harness import backend_of, pooled
from postgres_servers import PostgresServer
from sqlalchemy import create_engine

from chatstore.core import InvalidArgumentError, open_store
from chatstore.postgres import PostgresChatStore


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        7,
        "h/db",
        "mysql://u:secret@h/db",
        "postgresql://",
        "postgresql://u:secret?more@h/db",
        "postgresql://u:12345?secret@h/db",
        "postgresql://u:secret@h:port/db",
        "postgresql://u:secret@h:99999/db",
        "postgresql://u:secret@h/db?ttl=soon",
        "postgresql://u:secret@h/db?ttl=-1",
        "postgresql://u:secret@h/db?timeout=0",
        "postgresql://u:secret@h/db?max_connections=few",
        "postgresql://u:secret@h/db?create=perhaps",
    ],
)
def test_url_that_cannot_be_read(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        PostgresChatStore.from_uri(url)
    assert "secret" not in str(caught.value)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"ttl": 0},
        {"timeout": 0},
        {"patience": -1},
        {"max_connections": 0},
        {"client": "postgresql://h/db"},
    ],
)
def test_arguments_that_cannot_be_used(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        PostgresChatStore("postgresql://h/db", **arguments)


def test_database_must_be_named_once() -> None:
    with pytest.raises(InvalidArgumentError, match="engine"):
        PostgresChatStore()
    with pytest.raises(InvalidArgumentError, match="psycopg"):
        PostgresChatStore(client=create_engine("sqlite://"))
    with pytest.raises(InvalidArgumentError, match="asyncpg"):
        PostgresChatStore(async_client=create_engine("sqlite://"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"]
)
def test_open_store_opens_the_store(scheme: str) -> None:
    with open_store(f"{scheme}://u:secret@host/db?ttl=60") as store:
        assert isinstance(store, PostgresChatStore)
        assert backend_of(store)._changes._ttl == 60
        assert "secret" not in repr(store)


def test_keywords_override_the_url() -> None:
    with PostgresChatStore.from_uri("postgresql://h/db?ttl=60", ttl=5) as store:
        assert backend_of(store)._changes._ttl == 5


def test_engine_overrides_the_address_of_the_url() -> None:
    engine = create_engine("postgresql+psycopg://u:pw@there:7/db")
    with PostgresChatStore.from_url("postgresql://here/db?ttl=60", client=engine) as store:
        assert store.server == "Postgres at there:7/db"
        assert backend_of(store)._changes._ttl == 60
    with pytest.raises(InvalidArgumentError, match="unknown option"):
        PostgresChatStore.from_url("postgresql://here/db?tll=60", client=engine)


def test_a_store_by_uri_loads_neither_drivers_nor_sqlalchemy() -> None:
    program = """import sys
from chatstore.postgres import PostgresChatStore
PostgresChatStore("postgresql://user@localhost/chats")
print(*sys.modules)"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert "chatstore.postgres.client" in loaded
    assert not {"sqlalchemy", "psycopg", "asyncpg"} & loaded


def test_path_of_llama_index_and_copies() -> None:
    """Programs change the package's name only; frameworks copy and pickle stores."""
    import copy
    import pickle

    from chatstore.postgres.base import PostgresChatStore as Store

    assert Store is PostgresChatStore
    store = Store.from_uri("postgresql://u:pw@host/db?patience=3", table_name="t")
    assert copy.deepcopy(store) is store
    again = pickle.loads(pickle.dumps(store))
    assert (again.server, backend_of(again)._sender.patience) == (store.server, 3)
    with pytest.raises(TypeError, match="client"):
        pickle.dumps(Store(client=create_engine("postgresql+psycopg://u@h/db")))


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("timeout", [0, -1, True, "5", float("nan"), float("inf"), 10**400]),
        ("patience", [-1, True, "5", float("nan"), float("inf"), 10**400]),
        ("max_connections", [0, -1, True, 1.5, "5", 10**9]),
        ("ttl", [0, -1, True, "5", float("nan"), float("inf"), 2**63]),
        ("create", ["yes", 0, 1]),
        ("table_name", [7, "", "n" * 50]),
        ("schema_name", [7, "", "n" * 64]),
    ],
)
def test_options_are_checked_by_constructor_and_url(option: str, values: list[Any]) -> None:
    for value in values:
        for make in (PostgresChatStore, PostgresChatStore.from_uri):
            with pytest.raises(InvalidArgumentError, match=option):
                make("postgresql://u:pw@h/db", **{option: value})
    for text in ("", "x y", "-1", "nan") if option in {"timeout", "patience", "ttl"} else ():
        with pytest.raises(InvalidArgumentError, match=option):
            PostgresChatStore(f"postgresql://u:pw@h/db?{option}={text}")


def test_unknown_options_are_refused() -> None:
    for make in (PostgresChatStore, PostgresChatStore.from_uri):
        with pytest.raises(TypeError, match="time_out"):
            make("postgresql://h/db", time_out=3)  # type: ignore[call-arg]
    with pytest.raises(InvalidArgumentError, match=r"unknown option 'time_out'.*timeout"):
        PostgresChatStore("postgresql://h/db?time_out=3")


def test_options_of_the_url_reach_the_store(newest_server: PostgresServer) -> None:
    url = f"{newest_server.url()}?max_connections=2&timeout=7&patience=0&ttl=5"
    with PostgresChatStore(url) as store, PostgresChatStore(url, patience=3, ttl=9) as other:
        assert (backend_of(store)._sender.patience, backend_of(store)._changes._ttl) == (0, 5)
        assert (backend_of(other)._sender.patience, backend_of(other)._changes._ttl) == (3, 9)
        assert pooled(store).pool._size == 2
