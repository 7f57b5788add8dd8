"""Both drivers connect to the database that libpq reads in a URL."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
from postgres_calling import Caller, message
from postgres_harness import fresh_name
from postgres_servers import PostgresServer
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import make_url

from chatstore.core import InvalidArgumentError
from chatstore.core.errors import StoreSetupError
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.url import _REFUSED, ADDRESS, KEYWORDS, Address, parse

URLS = [
    "postgresql://h/db",
    "postgres://u@h:1/db",
    "postgresql://u:p%40w@h/db",
    "postgresql://h/postgres?dbname=other",
    "postgresql://h/postgres?host=elsewhere",
    "postgresql://h:1/postgres?port=2",
    "postgresql://h/postgres?host=a,b&port=1,2",
    "postgresql://a:1,b:2/db",
    "postgresql://a,b/db?port=7",
    "postgresql://u:p@h/db?user=v&password=q",
    "postgresql://u@[::1]:5/db",
    "postgresql://u@[fe80::1%25eth0]:5/db",
    "postgresql:///db?host=/run/pg",
    "postgresql://u@/db?host=/run/pg&port=9",
    "postgresql://u@%2Frun%2Fpg:9/db",
    "postgresql://u@h/d%C3%A9j%20vu%3F",
    "postgresql://u%40tenant@h/db",
    "postgresql://u@h/a+b?user=c+d",
    "postgresql://u@h/?dbname=a%3Db",
    "postgresql://u@h",
    "postgresql://u@h/db?sslmode=require&target_session_attrs=read-write",
    "postgresql://u@h/db?hostaddr=127.0.0.1",
    "postgresql://?host=h&dbname=db&user=u&port=6",
]
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "empty": {},
    "full": {
        "PGHOST": "envhost",
        "PGPORT": "7777",
        "PGDATABASE": "envdb",
        "PGUSER": "envuser",
        "PGPASSWORD": "envpassword",
    },
    "hostaddr": {"PGHOSTADDR": "127.0.0.9", "PGUSER": "u"},
    "empty values": {"PGHOST": "", "PGPORT": "", "PGUSER": "", "PGDATABASE": ""},
}


def address_of(url: object) -> Address:
    return parse(url)[0]


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("PG"):
            monkeypatch.delenv(name)


def of_libpq(url: str) -> dict[str, str]:
    """Return libpq's own reading of a URL in this environment, without connecting."""
    values = {option.keyword.decode(): option.val for option in Conninfo.get_defaults()}
    in_url = Conninfo.parse(url.encode())
    values |= {option.keyword.decode(): option.val for option in in_url if option.val is not None}
    return {name: (values[name] or b"").decode() for name in ADDRESS if name != "passfile"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("url", URLS)
def test_both_drivers_get_what_libpq_reads(
    url: str, environment: str, monkeypatch: pytest.MonkeyPatch, clean_environment: None
) -> None:
    for name, value in ENVIRONMENTS[environment].items():
        monkeypatch.setenv(name, value)
    expected = of_libpq(url)
    if expected["hostaddr"] and "," in (expected["host"] or ""):
        with pytest.raises(InvalidArgumentError, match="hostaddr"):
            address_of(url)
        return
    address = address_of(url)
    for name in ("host", "hostaddr", "user", "password"):
        if expected[name]:
            assert address.libpq[name] == expected[name], name
    assert address.libpq["dbname"] == (expected["dbname"] or address.libpq["user"])
    hosts = address.libpq["host"].split(",")
    ports = address.libpq["port"].split(",")
    assert [int(port) for port in ports] == [
        int(port or 5432) for port in ((expected["port"] or "5432").split(",") * len(hosts))
    ][: len(hosts)]
    # asyncpg gets the same values, and reads neither the environment nor its own URL.
    assert address.asyncpg["host"] == (address.libpq["hostaddr"] or address.libpq["host"]).split(
        ","
    )
    assert address.asyncpg["port"] == list(map(int, ports))
    assert address.asyncpg["user"] == address.libpq["user"]
    assert address.asyncpg["database"] == address.libpq["dbname"]
    assert address.asyncpg.get("password") == address.libpq.get("password")
    assert re.fullmatch(r"postgresql://\?[\w=&%.+-]*", address.asyncpg["dsn"])
    # With these arguments, libpq does not look for other values.
    again = of_libpq(make_conninfo("", **address.libpq))
    for name in ("host", "hostaddr", "port", "dbname", "user"):
        assert again[name] == address.libpq[name]


def test_default_host_is_the_same_for_both_drivers(
    monkeypatch: pytest.MonkeyPatch, clean_environment: None, tmp_path: Path
) -> None:
    monkeypatch.setattr("chatstore.postgres.url._SOCKET_FOLDERS", (str(tmp_path),))
    assert address_of("postgresql:///db").asyncpg["host"] == ["localhost"]
    Path(tmp_path, ".s.PGSQL.5432").touch()
    address = address_of("postgresql:///db")
    assert address.libpq["host"] == str(tmp_path)
    assert address.asyncpg["host"] == [str(tmp_path)]
    assert address_of("postgresql:///db?port=5433").libpq["host"] == "localhost"


def test_url_of_sqlalchemy(clean_environment: None) -> None:
    url = make_url("postgresql+psycopg://u:pa%2Fss@h:5/db")
    assert address_of(url).libpq["password"] == "pa/ss"
    assert address_of("postgresql+asyncpg://h/db?ssl=require").libpq["sslmode"] == "require"
    assert address_of("postgresql+asyncpg://h/db?ssl=false").libpq["sslmode"] == "disable"


@pytest.mark.parametrize(
    ("text", "password"),
    [("p@w", "p@w"), ("50%off", "50%off"), ("a%40b", "a@b"), ("a/b", "a/b"), ("a:b", "a:b")],
)
def test_passwords_as_they_are_pasted(text: str, password: str, clean_environment: None) -> None:
    address = address_of(f"postgresql://u:{text}@h/db")
    assert (address.libpq["password"], address.label) == (password, "h:5432/db")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://u@h/db?service=x", "host"),
        ("postgresql://u@h/db?host=a&host=b", "twice"),
        ("postgresql://u@h/db?host=a:5432", "port"),
        ("postgresql://u@h/db?database=x", "dbname"),
        ("postgresql://u@h/db?search_path=x", "schema_name"),
        ("postgresql://u@h/db?replication=true", "ordinary"),
        ("postgresql://a,b,c/db?port=1,2", "3 hosts and 2 ports"),
        ("postgresql://a,,b/db", "empty"),
        ("postgresql://u@h/db?hostaddr=1.2.3.4&sslmode=verify-full", "verify-ca"),
        ("postgresql://u@h/db?sslmode=requir", "one of disable"),
        ("postgresql://u@h/db?connect_timeout=soon", "integer"),
        ("postgresql://u@h/db?target_session_attrs=master", "primary"),
        ("postgresql://u@h/db?client_encoding=latin1", "utf8"),
        ("postgresql://u@h/db?timeot=3", "timeout"),
        ("postgresql://u@h/db?foo", "known options"),
        ("postgresql://u@h/%ff", "UTF-8"),
        ("postgresql://u@h/db?host=@abstract", "socket"),
        ("postgresql://u@h:port/db", "port"),
        ("postgresql://u@h:70000/db", "port"),
    ],
)
def test_urls_that_the_drivers_read_differently_are_refused(
    url: str, text: str, clean_environment: None
) -> None:
    for make in (PostgresChatStore, PostgresChatStore.from_uri, PostgresChatStore.from_url):
        with pytest.raises(InvalidArgumentError, match=text):
            make(url)


def test_environment_is_checked_too(
    monkeypatch: pytest.MonkeyPatch, clean_environment: None
) -> None:
    monkeypatch.setenv("PGSSLMODE", "perhaps")
    with pytest.raises(InvalidArgumentError, match="PGSSLMODE"):
        address_of("postgresql://u@h/db")
    monkeypatch.setenv("PGSSLMODE", "require")
    assert address_of("postgresql://u@h/db").asyncpg["dsn"] == "postgresql://?sslmode=require"
    monkeypatch.setenv("PGSERVICE", "mine")
    with pytest.raises(InvalidArgumentError, match="PGSERVICE"):
        address_of("postgresql://u@h/db")


@pytest.mark.parametrize(
    "option",
    ["channel_binding=require", "require_auth=scram-sha-256", "load_balance_hosts=random"],
)
def test_options_that_asyncpg_lacks_are_refused_by_async_calls(
    newest_server: PostgresServer, option: str
) -> None:
    """The sync methods apply the option, if the server supports it."""
    url = f"{newest_server.url()}?{option}"
    caller = Caller("async")
    with PostgresChatStore(url, table_name=fresh_name(), patience=0) as store:
        with pytest.raises(InvalidArgumentError, match=option.partition("=")[0]):
            caller(store, "count_messages", "k")
        if option.startswith("load"):
            store.add_message("k", message("a"))
    caller.close()


def test_every_keyword_of_libpq_is_known_or_refused() -> None:
    """A new libpq may have options that this package does not know."""
    new = {"sslkeylogfile", "scram_client_key", "scram_server_key", "max_protocol_version"}
    new |= {"min_protocol_version", "authtype", "tty"}
    for option in psycopg.pq.Conninfo.get_defaults():
        name = option.keyword.decode()
        assert name in KEYWORDS or name in _REFUSED or name in new or name.startswith("oauth"), name
        if name in KEYWORDS and option.envvar and name != "client_encoding":  # always UTF-8
            assert KEYWORDS[name].variable == option.envvar.decode(), name


@pytest.fixture
def databases(newest_server: PostgresServer) -> list[str]:
    names = [fresh_name(), fresh_name()]
    for name in names:
        newest_server.execute(f"CREATE DATABASE {name}")
    return names


def tables_in(server: PostgresServer, database: str) -> object:
    rows = server.execute(
        "SELECT count(*) FROM pg_tables WHERE tablename ~ '_messages$'", database=database
    )
    return rows[0][0]


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://postgres@127.0.0.1:{port}/{first}?dbname={second}",
        "postgresql://postgres@192.0.2.1:{port}/{second}?host=127.0.0.1",
        "postgresql://nobody@127.0.0.1:1/{second}?user=postgres&port={port}",
        "postgresql://postgres@/{second}?host={folder}&port={port}",
        "postgresql://postgres@{quoted}:{port}/{second}",
        "postgresql://postgres@nowhere.invalid:{port}/{second}?hostaddr=127.0.0.1",
        "postgresql://postgres@127.0.0.1:1,127.0.0.1:{port}/{second}",
        "postgresql:///?dbname={second}",
    ],
)
def test_sync_and_async_calls_reach_one_database(
    newest_server: PostgresServer,
    databases: list[str],
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    clean_environment: None,
) -> None:
    first, second = databases
    folder = str(newest_server.folder)
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(newest_server.port))
    monkeypatch.setenv("PGUSER", "postgres")
    monkeypatch.setenv("PGDATABASE", first)
    url = form.format(
        port=newest_server.port,
        first=first,
        second=second,
        folder=folder,
        quoted=folder.replace("/", "%2F"),
    )
    caller = Caller("async")
    store = PostgresChatStore(url)
    with caller.using(store):
        caller(store, "add_message", "k", message("a"))
        store.add_message("k", message("b"))
        assert store.count_messages("k") == caller(store, "count_messages", "k") == 2
    caller.close()
    assert tables_in(newest_server, first) == 0
    assert tables_in(newest_server, second) == 1


def test_engines_that_lead_to_two_databases_are_refused(
    newest_server: PostgresServer, databases: list[str]
) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.ext.asyncio import create_async_engine

    urls = [newest_server.url(name) for name in databases]
    engine = create_engine(urls[0].replace("postgresql:", "postgresql+psycopg:"))
    async_engine = create_async_engine(urls[1].replace("postgresql:", "postgresql+asyncpg:"))
    caller = Caller("async")
    for has_tables in (False, True):
        if has_tables:
            with PostgresChatStore(urls[1]) as other:
                other.setup()
        with PostgresChatStore(client=engine, async_client=async_engine) as store:
            store.add_message("k", message("a"))
            with pytest.raises(StoreSetupError, match=r"two different databases|missing"):
                caller(store, "add_message", "k", message("b"))
    caller.run(async_engine.dispose())
    caller.close()
    engine.dispose()


def test_asyncpg_takes_no_default_of_its_own(
    monkeypatch: pytest.MonkeyPatch, clean_environment: None
) -> None:
    """The arguments are complete: neither the environment nor `getpass` is used."""
    from asyncpg import connect_utils

    address = address_of("postgresql://u:p@h:1/db?sslmode=require")
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSSLMODE"):
        monkeypatch.setenv(name, "wrong")
    seen: dict[str, Any] = {}

    async def connect(**arguments: Any) -> None:
        seen.update(arguments)
        raise ConnectionRefusedError

    monkeypatch.setattr(connect_utils, "_connect", connect)
    caller = Caller("async")
    with pytest.raises(ConnectionRefusedError):
        caller.run(asyncpg.connect(**address.asyncpg))
    caller.close()
    assert (seen["host"], seen["port"], seen["user"]) == (["h"], [1], "u")
    assert (seen["database"], seen["password"]) == ("db", "p")
