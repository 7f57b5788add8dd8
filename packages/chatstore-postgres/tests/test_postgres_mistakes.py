"""Mistakes of users are explained in time, with advice and without secrets."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple, cast
from urllib.parse import quote

import psycopg
import pytest
import trustme
from postgres_calling import Caller, message
from postgres_harness import PostgresHarness, fresh_name
from postgres_servers import PostgresServer, free_port, newest_binaries
from postgres_tls import TlsFront
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from chatstore.core import (
    ChatStoreError,
    InvalidArgumentError,
    MessageConflictError,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.core.errors import StoreSetupError
from chatstore.postgres import PostgresChatStore

SECRET = "hunter2-S3cr%et"
CONTENT = "what a user wrote"
_BOUND = 120.0  # seconds; with the patience of these stores, a wrong retry takes ten minutes


class Strict(NamedTuple):
    """A server with passwords and TLS, and the authority that signed its certificate."""

    server: PostgresServer
    front: TlsFront
    authority: str
    other_authority: str


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    folder = tmp_path_factory.mktemp("tls")
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    other.cert_pem.write_to_path(folder / "other.pem")
    server = PostgresServer(newest_binaries())
    server.execute(f"CREATE ROLE friend LOGIN SUPERUSER PASSWORD '{SECRET}'")
    server.execute("CREATE ROLE stranger LOGIN")
    server.execute(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}'")
    server.execute("CREATE ROLE sleeper NOLOGIN")
    server.execute("CREATE DATABASE closed")
    server.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    server.execute("CREATE DATABASE anything ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    rules = server.folder / "data/pg_hba.conf"
    rules.write_text(
        "host all friend all scram-sha-256\nhost all guest all scram-sha-256\n"
        f"host all stranger all reject\nhostnossl all safe all reject\n{rules.read_text()}"
    )
    server.execute("CREATE ROLE safe LOGIN SUPERUSER")
    server.execute("SELECT pg_reload_conf()")
    front = TlsFront(server.port, authority.issue_cert("localhost"))
    yield Strict(server, front, str(folder / "ca.pem"), str(folder / "other.pem"))
    front.close()
    server.close()


class Mistake(NamedTuple):
    """A URL that does not work, and the error that its user gets.

    Attributes:
        url: With ``{port}`` and the like.
        kind: The class of the error.
        text: A pattern of the message.

    """

    url: str
    kind: type[ChatStoreError]
    text: str


MISTAKES = {
    "wrong password": Mistake(
        "postgresql://friend:wrong-{secret}@127.0.0.1:{port}/postgres",
        StoreAccessError,
        "password authentication failed.*check the user, the password",
    ),
    "no password": Mistake(
        "postgresql://friend@127.0.0.1:{port}/postgres", StoreAccessError, "password"
    ),
    "unknown role": Mistake(
        "postgresql://nobody:{secret}@127.0.0.1:{port}/postgres",
        StoreAccessError,
        'role "nobody" does not exist.*check the user',
    ),
    "role without login": Mistake(
        "postgresql://sleeper@127.0.0.1:{port}/postgres", StoreAccessError, "log in.*check the user"
    ),
    "unknown database": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{port}/nowhere",
        StoreAccessError,
        'database "nowhere" does not exist.*create the database',
    ),
    "no entry in pg_hba.conf": Mistake(
        "postgresql://stranger:{secret}@127.0.0.1:{port}/postgres",
        StoreAccessError,
        "pg_hba.conf rejects.*check .*pg_hba.conf",
    ),
    "no right to connect": Mistake(
        "postgresql://guest:{secret}@127.0.0.1:{port}/closed",
        StoreAccessError,
        "permission denied for database.*grants",
    ),
    "no right to create": Mistake(
        "postgresql://guest:{secret}@127.0.0.1:{port}/postgres",
        StoreAccessError,
        "permission denied for schema public.*grants",
    ),
    "TLS is required by the server": Mistake(
        "postgresql://safe:{secret}@127.0.0.1:{port}/postgres?sslmode=disable",
        StoreAccessError,
        "pg_hba.conf|no encryption",
    ),
    "TLS is not offered": Mistake(
        "postgresql://postgres:{secret}@127.0.0.1:{plain}/postgres?sslmode=require",
        StoreAccessError,
        "does not offer TLS.*sslmode=disable",
    ),
    "unknown authority": Mistake(
        "postgresql://friend:{secret}@localhost:{tls}/postgres?sslmode=verify-full"
        "&sslrootcert={other}",
        StoreAccessError,
        "certificate.*sslrootcert",
    ),
    "certificate of another host": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{tls}/postgres?sslmode=verify-full"
        "&sslrootcert={authority}",
        StoreAccessError,
        "certificate.*sslmode",
    ),
    "missing file of certificates": Mistake(
        "postgresql://friend:{secret}@localhost:{tls}/postgres?sslmode=verify-full"
        "&sslrootcert=/nowhere/ca.pem",
        InvalidArgumentError,
        "sslrootcert is missing",
    ),
    "nobody listens": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{free}/postgres",
        StoreUnavailableError,
        "connection refused.*check that the server runs",
    ),
    "unknown host": Mistake(
        "postgresql://friend:{secret}@nowhere.invalid:{port}/postgres",
        StoreUnavailableError,
        "unknown host.*check the host",
    ),
    "no socket": Mistake(
        "postgresql://friend:{secret}@/postgres?host=/nowhere",
        StoreUnavailableError,
        "no server listens on this socket",
    ),
    "several hosts, none of them there": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{free},nowhere.invalid:{free}/postgres",
        StoreUnavailableError,
        "unknown host|refused",
    ),
    "no primary among the hosts": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{port}/postgres?target_session_attrs=standby",
        StoreAccessError,
        "primary|standby|match",
    ),
    "encoding LATIN1": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{port}/latin",
        StoreSetupError,
        "encoding is LATIN1, expected UTF8.*create a database",
    ),
    "encoding SQL_ASCII": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{port}/anything",
        StoreSetupError,
        "encoding is SQL_ASCII, expected UTF8|encoding must be UTF8",
    ),
    "no tables": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{port}/postgres?create=false",
        StoreSetupError,
        r"are missing.*setup\(\)",
    ),
    "unknown schema": Mistake(
        "postgresql://friend:{secret}@127.0.0.1:{port}/postgres?create=false&schema_name=nowhere",
        StoreSetupError,
        "schema nowhere.*setup",
    ),
}


def filled(mistake: Mistake, strict: Strict, plain: PostgresServer) -> str:
    return mistake.url.format(
        secret=quote(SECRET),
        port=strict.server.port,
        tls=strict.front.port,
        plain=plain.port,
        free=free_port(),
        authority=strict.authority,
        other=strict.other_authority,
    )


def everything_of(error: BaseException) -> str:
    """Return all text of an error and of its causes."""
    seen: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and one not in seen:
            seen.append(one)
            pending += [one.__cause__, one.__context__]
    shown = [f"{one} {one!r} {one.args!r} {vars(one)!r}" for one in seen]
    return "\n".join([*shown, *traceback.format_exception(error)])


def assert_silent(text: str) -> None:
    for word in (SECRET, quote(SECRET), "hunter2", CONTENT):
        assert word not in text


# Engines have options of their own, so only URLs without options are tried. SQLAlchemy itself fails
# on SQL_ASCII, and older versions leave the connection open.
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, "url") for name in MISTAKES]
    + [
        (name, "engines")
        for name, one in MISTAKES.items()
        if not {"?", ","} & set(one.url) and name != "encoding SQL_ASCII"
    ],
)
def test_mistake_is_explained_in_time(
    strict: Strict,
    newest_server: PostgresServer,
    call: Caller,
    name: str,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mistake = MISTAKES[name]
    url = filled(mistake, strict, newest_server)
    engines: list[Any] = []
    if kind == "engines":
        engines = [
            create_engine(url.replace("postgresql:", "postgresql+psycopg:")),
            create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:")),
        ]
        store = PostgresChatStore(
            client=engines[0], async_client=engines[1], table_name=fresh_name(), patience=600
        )
    else:
        table = "" if "table_name" in url else f"{'&' if '?' in url else '?'}table_name=t"
        patience = 0.3 if "target_session" in url else 600
        store = PostgresChatStore(f"{url}{table}", patience=patience)
    started = time.monotonic()
    with (
        caplog.at_level(logging.DEBUG),
        call.using(store),
        pytest.raises(ChatStoreError, match=f"(?i){mistake.text}") as caught,
    ):
        call(store, "add_message", "a key", message(CONTENT))
    assert time.monotonic() - started < _BOUND
    assert type(caught.value) is mistake.kind
    assert str(caught.value).startswith("add_message: ")
    assert_silent(everything_of(caught.value))
    assert_silent(caplog.text)
    assert_silent(f"{store!r} {store.server}")
    if engines:
        engines[0].dispose()
        call.run(engines[1].dispose())


def test_tls_works_with_the_right_certificate(strict: Strict, call: Caller) -> None:
    url = (
        f"postgresql://friend:{quote(SECRET)}@localhost:{strict.front.port}/postgres"
        f"?sslmode=verify-full&sslrootcert={strict.authority}&table_name={fresh_name()}"
    )
    with call.using(PostgresChatStore(url)) as store:
        call(store, "add_message", "k", message(CONTENT))
        assert call(store, "count_messages", "k") == 1


def test_server_that_was_never_reached_is_tried_for_a_second(call: Caller) -> None:
    url = f"postgresql://u:{quote(SECRET)}@127.0.0.1:{free_port()}/db?patience=600"
    started = time.monotonic()
    with (
        call.using(PostgresChatStore(url)) as store,
        pytest.raises(StoreUnavailableError, match="refused"),
    ):
        call(store, "count_messages", "k")
    assert 0.9 <= time.monotonic() - started < _BOUND


def test_server_that_was_never_reached_is_not_tried_again_without_patience(
    call: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"postgresql://u:{quote(SECRET)}@127.0.0.1:{free_port()}/db?patience=0"
    with (
        caplog.at_level(logging.WARNING, "chatstore"),
        call.using(PostgresChatStore(url)) as store,
        pytest.raises(StoreUnavailableError, match="refused"),
    ):
        call(store, "count_messages", "k")
    assert "trying again" not in caplog.text


def test_patience_is_kept_once_the_server_was_there(call: Caller) -> None:
    server = PostgresServer(newest_binaries())
    with call.using(PostgresChatStore(server.url(), patience=1.5)) as store:
        call(store, "add_message", "k", message("a"))
        server.close()
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            call(store, "count_messages", "k")
        assert time.monotonic() - started >= 1.4


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:{secret}@h:port/db",
        "postgresql://u:{secret}@h:99999/db",
        "postgresql://u:{secret}?{secret}@h/db",
        "postgresql://u:{secret}\u2100@h/db?x=1",
        "postgresql://u:{secret}]@[h/db",
        "postgresql://u:{secret}@h h/db",
        "postgresql://u:{secret}@h/db?ttl={secret}",
        "postgresql://u:{secret}@h/db?sslmode={secret}",
        "postgresql://u:{secret}@h/db?{secret}=1",
        "postgresql://u:{secret}@h/db?{secret}",
        "postgresql://h/db?password={secret}&password={secret}",
        "postgresql://h/db?sslpassword={secret}&max_connections=0",
        "postgresql://u:{secret}@h/db?table_name={secret}{secret}{secret}{secret}{secret}{secret}{secret}{secret}",
        "postgresql://u:{secret}\x00@h/db",
        "postgresql://u:{secret}%00@h/db",
        "postgresql://u:{secret}%ff@h/db",
        "mysql://u:{secret}@h/db",
        "{secret}",
    ],
)
def test_refused_url_is_not_quoted(url: str) -> None:
    for secret in (SECRET, "hunter2"):
        with pytest.raises(InvalidArgumentError) as caught:
            PostgresChatStore(url.format(secret=secret))
        assert_silent(everything_of(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:{secret}@127.0.0.1:{port}/db",
        "postgresql://127.0.0.1:{port}/db?user=u&password={secret}",
        "postgresql://u@127.0.0.1:{port}/db?sslpassword={secret}",
        "postgresql://u:{secret}@127.0.0.1:{port},127.0.0.1:{port}/db",
        "postgresql://u:{secret}@/db?host=/nowhere",
        "postgresql://u:{secret}\u2100@127.0.0.1:{port}/db",
    ],
)
def test_passwords_in_all_forms_of_urls_are_not_shown(
    url: str, call: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    text = url.format(secret=quote(SECRET), port=free_port())
    with (
        caplog.at_level(logging.DEBUG),
        call.using(PostgresChatStore(text, patience=0.05)) as store,
    ):
        assert_silent(f"{store!r} {store.server}")
        with pytest.raises(StoreUnavailableError) as caught:
            call(store, "add_message", "k", message(CONTENT))
    assert_silent(everything_of(caught.value))
    assert_silent(caplog.text)


PROVOKED = {
    "a trigger that quotes": (
        "CREATE FUNCTION {t}_f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'refused: %', NEW.body; END$$; CREATE TRIGGER {t} BEFORE INSERT "
        "ON {t}_messages FOR EACH ROW EXECUTE FUNCTION {t}_f()"
    ),
    "a constraint": "ALTER TABLE {t}_messages ADD CHECK (length(body) < 9) NOT VALID",
    "a cast": "ALTER TABLE {t}_messages ADD n bigint GENERATED ALWAYS AS (body::bigint) STORED",
    "a column that is not null": "ALTER TABLE {t}_messages ADD n text NOT NULL DEFAULT NULL",
    "a missing right": "",
    "a statement timeout": "",
}


@pytest.mark.parametrize("what", PROVOKED)
def test_driver_errors_do_not_quote_content(
    newest_server: PostgresServer, call: Caller, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    harness = PostgresHarness(newest_server)
    role = fresh_name()
    harness.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
    with harness.open() as first:
        first.setup()
        harness.execute(PostgresChatStore.grants(role, harness.table).replace("{", "{{"))
        for statement in filter(None, [PROVOKED[what].format(t=harness.table)]):
            harness.server.execute(statement)
    if what == "a missing right":
        harness.execute(f"REVOKE INSERT ON {{t}}_messages FROM {role}")
    url = harness.url.replace("postgres@", f"{role}:{quote(SECRET)}@")
    holder = psycopg.connect(harness.url)
    if what == "a statement timeout":
        harness.execute(f"ALTER ROLE {role} SET statement_timeout = '200ms'")
        holder.execute(f"LOCK TABLE {harness.table}_messages".encode())
    with (
        caplog.at_level(logging.DEBUG),
        call.using(PostgresChatStore(url, table_name=harness.table, patience=0.2)) as store,
    ):
        for name, *arguments in (
            ("add_message", message(CONTENT)),
            ("add_message", message(CONTENT), 0),
            ("add_messages", [message(CONTENT), message(CONTENT)]),
            ("set_messages", [message(CONTENT)]),
        ):
            with pytest.raises(ChatStoreError) as caught:
                call(store, name, "k", *arguments)
            assert not isinstance(caught.value, MessageConflictError)
            assert_silent(everything_of(caught.value))
    holder.close()
    assert_silent(caplog.text)


def test_conflict_does_not_quote_content(newest_server: PostgresServer, call: Caller) -> None:
    harness = PostgresHarness(newest_server)
    with call.using(harness.open()) as store:
        call(store, "add_message", "k", message(CONTENT, id="1"))
        with pytest.raises(MessageConflictError) as caught:
            call(store, "add_message", "k", message(f"{CONTENT}!", id="1"))
        assert_silent(everything_of(caught.value))


def test_engines_of_the_wrong_kind() -> None:
    psycopg_engine = create_engine("postgresql+psycopg://u@h/db")
    asyncpg_engine = create_async_engine("postgresql+asyncpg://u@h/db")
    async_psycopg = create_async_engine("postgresql+psycopg://u@h/db")
    for arguments, text in (
        ({"client": asyncpg_engine}, "client must be .*pass it as async_client="),
        ({"async_client": psycopg_engine}, "async_client must be .*pass it as client="),
        ({"async_client": async_psycopg}, "async_client must be .*asyncpg.*for psycopg"),
        ({"client": asyncpg_engine.sync_engine}, "client must be .*psycopg"),
        ({"client": create_engine("sqlite://")}, "client must be .*for pysqlite"),
        ({"client": "postgresql://u:pw@h/db"}, "client must be .*not str"),
        ({"async_client": object()}, "async_client must be .*not object"),
        ({"client": asyncio.sleep}, "client must be"),
        ({}, "needs a uri"),
        ({"uri": psycopg_engine}, "not a URL"),
    ):
        with pytest.raises(InvalidArgumentError, match=text) as caught:
            PostgresChatStore(**cast("dict[str, Any]", arguments))
        assert "pw" not in str(caught.value)
