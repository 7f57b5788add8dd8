"""The README shows exactly the rights that the statements need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from postgres_calling import Caller, contents, message
from postgres_harness import PostgresHarness, fresh_name
from postgres_servers import PostgresServer

from chatstore.core import ChatStore, InvalidArgumentError, StoreAccessError
from chatstore.postgres import PostgresChatStore
from chatstore.postgres.tables import needed_rights

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
TABLES = {
    "conversations": "conversations",
    "messages": "messages",
    "requests": "requests",
    "version": "schema",
}


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


@pytest.fixture
def role(harness: PostgresHarness) -> str:
    """Return a role that owns nothing."""
    name = fresh_name()
    harness.execute(f"CREATE ROLE {name} LOGIN")
    return name


def as_role(harness: PostgresHarness, role: str, schema: Any = None, **options: Any) -> Any:
    url = harness.url.replace("postgres@", f"{role}@")
    return PostgresChatStore(url, table_name=harness.table, schema_name=schema, **options)


def use_everything(store: ChatStore, call: Caller) -> None:
    """Make every kind of call."""
    call(store, "add_message", "k", message("a", id="a"))
    call(store, "add_message", "k", message("a", id="a"))  # it exists: the full statement
    call(store, "add_messages", "k", [message("b"), message("c")])
    call(store, "add_message", "k", message("d"), 1)
    call(store, "add_message", "k", message("e"), -1)
    assert call(store, "delete_message", "k", 0).content == "a"
    assert call(store, "delete_last_message", "k").content == "c"
    call(store, "set_messages", "k", [message("f"), message("g")])
    call(store, "set_messages", "new", [message("h")])
    assert contents(call(store, "get_messages", "k")) == ["f", "g"]
    assert contents(call(store, "get_messages", "k", last=1)) == ["g"]
    assert call(store, "count_messages", "k") == 2
    assert sorted(call(store, "get_keys")) == ["k", "new"]
    call(store, "put_message", "k", message("put", id="p"))
    call(store, "put_message", "k", message("changed", id="p"))
    assert call(store, "get_message", "k", "p").content == "changed"
    assert call(store, "truncate", "k", from_id="p") == 1
    call(store, "update_conversation", "k", owner="o")
    call(store, "fork", "k", "f", owner="o")
    call(store, "create_conversation", "c", owner="o")
    listed = call(store, "list_conversations", owner="o").conversations
    assert [one.key for one in listed] == ["c", "f", "k"]
    assert call(store, "snapshot", "f").conversation == call(store, "get_conversation", "f")
    assert sorted(call(store, "delete_conversations", owner="o")) == ["c", "f", "k"]
    call(store, "purge_expired")


def expire(harness: PostgresHarness) -> None:
    harness.execute("UPDATE {t}_conversations SET expires_at = now() - interval '1 s'")
    harness.execute("UPDATE {t}_requests SET expires_at = now() - interval '1 s'")


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("has_schema", [True, False])
def test_store_works_with_exactly_these_rights(
    harness: PostgresHarness, role: str, call: Caller, create: bool, has_schema: bool
) -> None:
    schema = fresh_name() if has_schema else None
    with PostgresChatStore(harness.url, table_name=harness.table, schema_name=schema) as admin:
        admin.setup()
    harness.server.execute(PostgresChatStore.grants(role, harness.table, schema))
    options = {"create": create, "ttl": 60, "patience": 0.5}
    with call.using(as_role(harness, role, schema, **options)) as store:
        use_everything(store, call)
        if schema is None:
            expire(harness)
            call(store, "add_message", "new", message("i"))  # releases the key of an expired one
            call(store, "purge_expired")
            assert harness.execute("SELECT count(*) FROM {t}_conversations") == [(1,)]
            assert harness.execute("SELECT count(*) FROM {t}_requests") == [(0,)]


@pytest.mark.parametrize(
    ("word", "right"),
    [(word, right) for word, rights in needed_rights().items() for right in rights],
)
def test_each_right_is_needed(harness: PostgresHarness, role: str, word: str, right: str) -> None:
    """Without one of them a call fails with a clear error; reclaiming fails silently."""
    with harness.open() as admin:
        admin.setup()
    harness.server.execute(PostgresChatStore.grants(role, harness.table))
    with as_role(harness, role, patience=0.2) as store:
        store.check()
        harness.execute(f"REVOKE {right} ON {{t}}_{TABLES[word]} FROM {role}")
        with pytest.raises(StoreAccessError, match=r"check: .*grants\(role\)"):
            store.check()
    from postgres_calling import Caller

    call = Caller("sync")
    with (
        as_role(harness, role, ttl=60, patience=0.2) as store,
        pytest.raises(StoreAccessError, match=r"permission denied for table .*grants\(role\)"),
    ):
        use_everything(store, call)
    call.close()


def test_rights_by_table() -> None:
    assert needed_rights() == {
        "conversations": ["SELECT", "INSERT", "UPDATE", "DELETE"],
        "messages": ["SELECT", "INSERT", "UPDATE", "DELETE"],
        "requests": ["SELECT", "INSERT", "UPDATE", "DELETE"],
        "version": ["SELECT"],
    }


def test_readme_shows_these_rights() -> None:
    shown = re.search(r"```sql\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    assert shown[1] == PostgresChatStore.grants("app", "assistant", "chat")


def test_readers_role_reads(harness: PostgresHarness, role: str, call: Caller) -> None:
    """Reclaiming is left to other stores."""
    with harness.open() as admin:
        admin.add_message("k", message("a"))
        admin.add_message("k", message("b"))
        admin.delete_last_message("k")
    for table in TABLES.values():
        harness.execute(f"GRANT SELECT ON {{t}}_{table} TO {role}")
    expire(harness)
    harness.execute("UPDATE {t}_conversations SET expires_at = NULL")
    with call.using(as_role(harness, role)) as store:
        assert contents(call(store, "get_messages", "k")) == ["a"]
        with pytest.raises(StoreAccessError, match="permission denied"):
            call(store, "add_message", "k", message("b"))


@pytest.mark.parametrize("name", ["", "a\0b", 7, "n" * 64])
def test_invalid_roles(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="role"):
        PostgresChatStore.grants(name)


def test_names_are_quoted() -> None:
    text = PostgresChatStore.grants('ro"le', "ta ble", "sch;ema")
    assert 'TO "ro""le";' in text
    assert '"sch;ema"."ta ble_messages"' in text
