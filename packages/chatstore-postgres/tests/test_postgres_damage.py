"""Missing, foreign or damaged tables are named, and damaged messages can be removed."""

from __future__ import annotations

import pytest
from postgres_calling import Caller, contents, message
from postgres_harness import PostgresHarness, backend_of, fresh_name
from postgres_servers import PostgresServer

from chatstore.core import (
    ChatStoreError,
    CorruptMessageError,
    CorruptStoreError,
)
from chatstore.core.errors import StoreSetupError
from chatstore.postgres import PostgresChatStore

BODIES = {
    "nothing": "",
    "cut off": '{"v":1,"id":"1","role":"us',
    "another type": '{"v":1,"id":"1","role":7,"content":"a","additional_kwargs":{}}',
    "a null": "null",
    "a null in it": '{"v":1,"id":null,"role":null,"content":"a"}',
    "a list": "[1, 2]",
    "a huge number": "1" * 10_000,
    "a huge exponent": '{"v":1e999}',
    "a huge version": f'{{"v": {"9" * 5000}}}',
    "deep nesting": "[" * 100_000,
    "deep nesting in a message": '{"v":1,"id":"1","role":"user","content":"a",'
    '"additional_kwargs":{"a":' + "[" * 50_000 + "]" * 50_000 + "}}",
    "a later version": '{"v":2,"id":"1"}',
    "another program's": "hello",
    "lines": "a\nb\nc",
}


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


@pytest.mark.parametrize("damage", BODIES)
def test_damaged_body(harness: PostgresHarness, call: Caller, damage: str) -> None:
    with call.using(harness.open()) as store:
        call(store, "add_messages", "k", [message(text, id=text) for text in "abc"])
        harness.execute("UPDATE {t}_messages SET body = %s WHERE message_id = 'b'", BODIES[damage])
        for name, arguments in (
            ("get_messages", ()),
            ("delete_message", (1,)),
            ("delete_message", (-2,)),
        ):
            with pytest.raises(CorruptMessageError, match=r"on_corrupt='skip'"):
                call(store, name, "k", *arguments)
        assert contents(list(store.iter_messages("k", on_corrupt="skip"))) == ["a", "c"]
        assert call(store, "delete_message", "k", 1, force=True) is None
        assert contents(call(store, "get_messages", "k")) == ["a", "c"]
        assert call(store, "count_messages", "k") == 2


@pytest.mark.parametrize("damage", BODIES)
def test_damaged_last_message_is_removed_by_force(
    harness: PostgresHarness, call: Caller, damage: str
) -> None:
    with call.using(harness.open()) as store:
        call(store, "add_message", "k", message("a"))
        harness.execute("UPDATE {t}_messages SET body = %s", BODIES[damage])
        with pytest.raises(CorruptMessageError):
            call(store, "delete_last_message", "k")
        assert call(store, "delete_last_message", "k", force=True) is None
        assert call(store, "get_keys") == []


HEADS = {
    "a huge position": "UPDATE {t}_conversations SET next_position = 9223372036854775807",
    "a position that is taken": "UPDATE {t}_conversations SET next_position = 0",
    "a negative length": "UPDATE {t}_conversations SET length = -5",
    "a key that is not UTF-8": r"UPDATE {t}_conversations SET key = '\xfe'",
    "an id that is not UTF-8": r"UPDATE {t}_messages SET message_id = '\xff' WHERE position = 0",
    "a huge epoch": "UPDATE {t}_conversations SET epoch = 9223372036854775807",
    "an infinite expiry": "UPDATE {t}_conversations SET expires_at = 'infinity'",
    "an expiry before time": "UPDATE {t}_conversations SET expires_at = '-infinity'",
    "no row of the conversation": "DELETE FROM {t}_conversations",
    "no messages": "DELETE FROM {t}_messages",
    "a negative revision": "UPDATE {t}_conversations SET revision = -5",
    "an infinite time": "UPDATE {t}_conversations SET updated_at = 'infinity'",
    "a beginning before time": "UPDATE {t}_conversations SET created_at = '-infinity'",
    "a time long ago": "UPDATE {t}_conversations SET created_at = '4000-01-01 BC'",
    "a time far away": "UPDATE {t}_conversations SET updated_at = '290000-01-01'",
    "a title that is not UTF-8": r"UPDATE {t}_conversations SET title = '\xff'",
    "an owner that is not UTF-8": r"UPDATE {t}_conversations SET owner = '\xff'",
    "metadata that is not UTF-8": r"UPDATE {t}_conversations SET metadata = '\xff'",
    "metadata that is not JSON": "UPDATE {t}_conversations SET metadata = '{'",
    "metadata that is a list": "UPDATE {t}_conversations SET metadata = '[]'",
    "huge positions": "UPDATE {t}_messages SET position = 9223372036854775807 - position",
}
RECORD_READS = ["get_conversation", "update_conversation", "snapshot", "list_conversations"]
SEEN_BY = {
    "a huge position": ["add_message", "add_messages"],
    "a position that is taken": ["add_message", "add_messages"],
    "a negative length": ["count_messages", *RECORD_READS],
    "a key that is not UTF-8": ["get_keys"],
    "a negative revision": RECORD_READS,
    "an infinite time": RECORD_READS,
    "a beginning before time": RECORD_READS,
    "a title that is not UTF-8": RECORD_READS,
    "an owner that is not UTF-8": ["get_conversation", "update_conversation", "snapshot"],
    "metadata that is not UTF-8": RECORD_READS,
    "metadata that is not JSON": RECORD_READS,
    "metadata that is a list": RECORD_READS,
}
WITHOUT_KEY = {"get_keys", "list_conversations", "delete_conversations"}
OPTIONS = {
    "truncate": ["from_id"],
    "update_conversation": ["title"],
    "list_conversations": ["owner"],
    "delete_conversations": ["owner"],
}


@pytest.mark.parametrize("damage", HEADS)
def test_damaged_head(harness: PostgresHarness, call: Caller, damage: str) -> None:
    """A call succeeds or raises one of the store's errors."""
    raised: dict[str, ChatStoreError] = {}
    for name, *arguments in (
        ("add_message", message("x")),
        ("add_messages", [message("x"), message("y")]),
        ("add_message", message("x"), 1),
        ("count_messages",),
        ("get_messages",),
        ("get_keys",),
        ("delete_message", 0),
        ("delete_last_message",),
        ("set_messages", [message("x")]),
        ("delete_messages",),
        ("put_message", message("x", id="a")),
        ("put_message", message("x", id="x")),
        ("get_message", "a"),
        ("remove_message", "a"),
        ("truncate", "a"),
        ("get_conversation",),
        ("update_conversation", "o"),
        ("snapshot",),
        ("fork", "f"),
        ("create_conversation",),
        ("list_conversations", "o"),
        ("delete_conversations", "o"),
    ):
        with call.using(
            PostgresChatStore(harness.url, table_name=fresh_name(), patience=0.3)
        ) as store:
            call(store, "add_messages", "k", [message("a", id="a"), message("b", id="b")])
            call(store, "update_conversation", "k", owner="o", title="t")
            table = backend_of(store)._sender._names.table
            harness.server.execute(HEADS[damage].replace("{t}", table))
            try:
                options = dict(zip(OPTIONS.get(name, ()), arguments, strict=False))
                keys = () if name in WITHOUT_KEY else ("k",)
                call(store, name, *keys, *(() if options else arguments), **options)
            except ChatStoreError as error:
                raised.setdefault(name, error)
    for name in SEEN_BY.get(damage, ()):
        assert type(raised[name]) is CorruptStoreError, name


TABLES = {
    "another program's table": (
        "CREATE TABLE {t}_messages (id serial PRIMARY KEY, data jsonb)",
        r"_conversations.*expected a table, found nothing|_messages",
    ),
    "a missing table": (
        "{ddl} DROP TABLE {t}_requests",
        "_requests.*expected a table, found nothing",
    ),
    "a missing column": (
        "{ddl} ALTER TABLE {t}_messages DROP COLUMN request_id",
        r"_messages.*expected a column request_id bigint, found \(conversation bigint",
    ),
    "a column of another type": (
        "{ddl} ALTER TABLE {t}_messages ALTER COLUMN body TYPE jsonb USING to_jsonb(body)",
        r"expected a column body text, found .*body jsonb",
    ),
    "no unique index": (
        "{ddl} ALTER TABLE {t}_conversations DROP CONSTRAINT {t}_conversations_key_key",
        r"expected a unique index on \(key\)",
    ),
    "a view": (
        "{ddl} ALTER TABLE {t}_requests RENAME TO {t}_c; CREATE VIEW {t}_requests AS TABLE {t}_c",
        "expected a table, found view",
    ),
    "no version": ("{ddl} DELETE FROM {t}_schema", "_schema.* is empty"),
    "another table of versions": (
        "CREATE TABLE {t}_schema (a int)",
        "expected a table, found nothing|_schema",
    ),
}


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("what", TABLES)
def test_tables_that_do_not_fit(
    harness: PostgresHarness, call: Caller, what: str, create: bool
) -> None:
    sql, text = TABLES[what]
    ddl = PostgresChatStore.ddl(harness.table)
    harness.server.execute(sql.replace("{ddl}", ddl).replace("{t}", harness.table))
    store = PostgresChatStore(harness.url, table_name=harness.table, create=create, patience=600)
    with call.using(store):
        for name in ("count_messages", "count_messages"):
            with pytest.raises(StoreSetupError, match=text):
                call(store, name, "k")
        with pytest.raises(StoreSetupError, match=text):
            call(store, "setup")


def test_tables_that_are_dropped_while_in_use(harness: PostgresHarness, call: Caller) -> None:
    with call.using(harness.open()) as store:
        call(store, "add_message", "k", message("a"))
        harness.execute("DROP TABLE {t}_messages, {t}_conversations, {t}_requests, {t}_schema")
        for name, *arguments in (
            ("add_message", message("b")),
            ("get_messages",),
            ("delete_last_message",),
        ):
            with pytest.raises(StoreSetupError, match=r"missing.*setup\(\)"):
                call(store, name, "k", *arguments)
        call(store, "setup")
        assert call(store, "count_messages", "k") == 0


def test_columns_that_change_while_in_use(harness: PostgresHarness, call: Caller) -> None:
    with call.using(harness.open()) as store:
        for _ in range(7):
            call(store, "add_message", "k", message("a"))
            call(store, "get_messages", "k")
        harness.execute("ALTER TABLE {t}_messages ALTER COLUMN body TYPE jsonb USING to_jsonb(1)")
        # asyncpg reads JSON as text, so that a reader sees damaged messages.
        with pytest.raises((StoreSetupError, CorruptMessageError)):
            call(store, "get_messages", "k")
        with pytest.raises(StoreSetupError, match="expected a column body text"):
            call(store, "add_message", "k", message("b"))
