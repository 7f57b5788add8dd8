"""At one million messages every statement still follows an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from postgres_harness import fresh_name
from postgres_servers import PostgresServer

from chatstore.core import ChatMessage
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import TableNames

KEYS = 1000
EACH = 1000


@pytest.fixture(scope="module")
def filled(newest_server: PostgresServer) -> Iterator[tuple[psycopg.Connection[Any], TableNames]]:
    """Return a connection and the names of tables with a million messages."""
    table = fresh_name()
    names = TableNames(table, None)
    with PostgresChatStore.from_uri(newest_server.url(), table_name=table) as store:
        store.setup()
    with psycopg.connect(newest_server.url(), autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table}_messages SET UNLOGGED".encode())
        connection.execute(
            (
                f"INSERT INTO {table}_conversations "
                "(key, epoch, next_position, length, expires_at, revision, created_at, "
                "updated_at, owner) "
                "SELECT convert_to('key ' || n, 'UTF8'), 0, %s, %s, "
                "CASE WHEN n %% 2 = 0 THEN now() + n * interval '1 hour' END, "
                "n, now(), now(), convert_to('owner ' || n %% 20, 'UTF8') "
                "FROM generate_series(1, %s) n"
            ).encode(),
            (EACH, EACH, KEYS),
        )
        connection.execute(
            (
                f"INSERT INTO {table}_messages "
                "SELECT n / %s + 1, n %% %s, int8send(n), 0, n, 'x' FROM generate_series(0, %s) n"
            ).encode(),
            (EACH, EACH, KEYS * EACH - 1),
        )
        connection.execute(
            (
                f"INSERT INTO {table}_requests (id, expires_at, key_hash, appended) "
                "SELECT gen_random_uuid(), now() + interval '1 hour', sha256(int8send(n)), "
                "ARRAY[n] "
                "FROM generate_series(1, 20000) n"
            ).encode()
        )
        connection.execute(
            f"ANALYZE {table}_messages, {table}_conversations, {table}_requests".encode()
        )
        yield connection, names
        tables = ", ".join(f"{table}_{part}" for part in ("messages", "conversations", "requests"))
        connection.execute(f"DROP TABLE {tables}".encode())


KEY, CALL = b"key 500", uuid4()
IDS, BODIES = [b"1", b"2"], "x\ny"
WRITE = (KEY, 60.0, CALL, 7, None)
RECORD = (b"owner", None, None, False)
NO_RECORD = (None, None, None, False)
STATEMENTS: dict[str, tuple[Any, ...]] = {
    "count": (statements.COUNT, KEY),
    "newest": (statements.NEWEST, KEY, 2**63 - 1, 50),
    "all": (statements.ALL, KEY, 2**63 - 1),
    "newest and first": (statements.NEWEST_AND_LEADING, KEY, 900, 50, 2),
    "oldest": (statements.OLDEST, KEY, 100, 50),
    "keys": (statements.KEYS, b"key 5", b"key 50", b"key 5\xff", 20),
    "append one": (statements.APPEND_ONE, KEY, 60.0, 1, b"1", "x", 7, None),
    "append many": (statements.APPEND_MANY, KEY, 60.0, 2, IDS, BODIES, 7, None),
    "short append of one": (statements.APPEND_NEW_ONE, KEY, 60.0, 1, b"1", "x", 7),
    "append with a random id": (statements.APPEND_RANDOM_ONE, KEY, 60.0, 1, b"1", "x", 7),
    "append of several": (statements.APPEND_BATCH, [KEY, b"key 7"], 60.0, IDS, BODIES, [7, 8]),
    "short append of many": (statements.APPEND_NEW_MANY, KEY, 60.0, 2, IDS, BODIES, 7),
    "release an expired key": (statements.RELEASE_EXPIRED_KEY, KEY),
    "was removed": (statements.WAS_REMOVED, KEY, 7),
    "end an empty one": (statements.END_EMPTY, KEY),
    "insert from start": (statements.INSERT_FROM_START, KEY, 60.0, 7, b"1", "x", 7, None),
    "insert from end": (statements.INSERT_FROM_END, KEY, 60.0, 7, b"1", "x", 7, None),
    "remove from start": (statements.REMOVE_FROM_START, *WRITE, 7, "{", None),
    "remove from end": (statements.REMOVE_FROM_END, *WRITE, 0, "{", None),
    "remove by id": (statements.REMOVE_BY_ID, *WRITE, b"1", "{", None),
    "put": (statements.PUT, *WRITE, b"1", "x", False),
    "truncate": (statements.TRUNCATE, *WRITE, b"1"),
    "replace": (statements.REPLACE, *WRITE, 2, IDS, BODIES),
    "create": (statements.CREATE, KEY, 60.0, CALL, 7, b"o", None, None, True, 2, IDS, BODIES),
    "update": (statements.UPDATE, *WRITE, *RECORD, *RECORD),
    "existing": (statements.EXISTING, KEY, IDS),
    "find": (statements.FIND, KEY, b"1"),
    "newest and conversation": (statements.NEWEST_AND_CONVERSATION, KEY, 900, 50, 2),
    "conversations": (statements.CONVERSATIONS, [KEY, b"key 7"]),
    "owned": (statements.OWNED, b"owner 7", 2e9, 2**63 - 1, 20),
    "fill": (statements.FILL, KEY, 2, IDS, BODIES),
    "delete": (statements.DELETE, KEY, 60.0, CALL, None),
    "lock": (statements.LOCK, KEY),
    "purge": (statements.PURGE, 200),
}


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from nodes(part)


def explained(
    connection: psycopg.Connection[Any], sql: str, values: Sequence[Any], mode: str
) -> list[dict[str, Any]]:
    """Return the steps by which the server executes a prepared statement."""
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute("DEALLOCATE ALL")
        cursor.execute(f"SET plan_cache_mode = {mode}".encode())
        cursor.execute(f"PREPARE examined AS {sql}".encode())
        parameters = ", ".join(["%s"] * len(values))
        execute = f"EXPLAIN (FORMAT JSON) EXECUTE examined ({parameters})"
        row = cursor.execute(execute.encode(), values).fetchone()
    assert row is not None
    return list(nodes(row[0][0]["Plan"]))


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_statement_follows_an_index(
    filled: tuple[psycopg.Connection[Any], TableNames], name: str, mode: str
) -> None:
    connection, names = filled
    template, *values = STATEMENTS[name]
    steps = explained(connection, names.render(template).numbered, values, mode)
    scanned = [node["Relation Name"] for node in steps if node["Node Type"] == "Seq Scan"]
    assert scanned == []
    assert any("Index" in node["Node Type"] for node in steps)
    assert_conversations_are_apart(steps)
    # Reads are in the index's order: sorting would have to read everything first.
    if name in {"newest", "newest and first", "newest and conversation", "oldest", "keys", "owned"}:
        assert "Sort" not in {node["Node Type"] for node in steps}


def assert_conversations_are_apart(steps: list[dict[str, Any]]) -> None:
    """Check that no step looks for positions or ids in all conversations."""
    conditions = [node.get("Index Cond", "") for node in steps if "_messages_" in index_of(node)]
    assert [text for text in conditions if "conversation" not in text] == []


def index_of(node: dict[str, Any]) -> str:
    return str(node.get("Index Name", ""))


def test_a_statement_without_an_index_is_found_out(
    filled: tuple[psycopg.Connection[Any], TableNames],
) -> None:
    connection, names = filled
    sql = names.render("SELECT 1 FROM {messages} WHERE body = $1::text").numbered
    steps = explained(connection, sql, ["z"], "auto")
    assert any(node["Node Type"] == "Seq Scan" for node in steps)


def test_costs_do_not_grow_with_the_conversation(newest_server: PostgresServer) -> None:
    """The server touches as many pages for a long conversation as for a short one."""
    table = fresh_name()
    names = TableNames(table, None)
    with PostgresChatStore.from_uri(newest_server.url(), table_name=table) as store:
        message = ChatMessage(role="user", content="x" * 500)
        store.set_messages("short", [message.model_copy() for _ in range(10)])
        store.set_messages("long", [message.model_copy() for _ in range(20_000)])
        for key in ("short", "long"):
            store.add_messages(key, [message.model_copy(update={"id": name}) for name in "abcd"])
    touched = {}
    names_of_calls: set[str] = set()

    def write(revision: int) -> tuple[Any, ...]:
        return None, uuid4(), revision, None

    with psycopg.connect(newest_server.url(), autocommit=True) as connection:
        connection.execute(f"VACUUM ANALYZE {table}_messages, {table}_conversations".encode())
        for key in ("short", "long"):
            for name, statement, *values in (
                ("append", statements.APPEND_NEW_ONE, None, 1, uuid4().bytes, "x" * 600, 7),
                ("newest", statements.NEWEST, 2**63 - 1, 10),
                ("remove", statements.REMOVE_FROM_END, None, uuid4(), 7, None, 0, "{", None),
                ("count", statements.COUNT),
                ("insert", statements.INSERT_FROM_END, None, 2, b"in", "x" * 600, 8, None),
                ("put", statements.PUT, *write(1), b"b", "x" * 600, False),
                ("put new", statements.PUT, *write(2), b"new", "x" * 600, False),
                ("find", statements.FIND, b"c"),
                ("remove by id", statements.REMOVE_BY_ID, *write(3), b"c", "{", None),
                ("update", statements.UPDATE, *write(4), *NO_RECORD, b"ann", b"t", None, False),
                ("conversation", statements.CONVERSATIONS),
                ("snapshot", statements.NEWEST_AND_CONVERSATION, 2**63 - 1, 10, 0),
                ("truncate", statements.TRUNCATE, *write(5), b"b"),
            ):
                names_of_calls.add(name)
                sql = names.render(statement).named
                first = [key.encode()] if statement is statements.CONVERSATIONS else key.encode()
                named = {f"p{n}": value for n, value in enumerate([first, *values], 1)}
                explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
                row = connection.execute(explain.encode(), named).fetchone()
                assert row is not None
                top = row[0][0]["Plan"]
                assert_conversations_are_apart(list(nodes(top)))
                touched[key, name] = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    assert len(names_of_calls) > 10
    for name in names_of_calls:
        assert abs(touched["long", name] - touched["short", name]) <= 12, name
