"""What is in the tables: later versions read it, so a change needs a migration."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from postgres_calling import message
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer

from chatstore.core import ChatMessage
from chatstore.postgres import PostgresChatStore

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
BODY = '{"v":1,"id":%s,"created_at":"2026-01-02T03:04:05+00:00","role":"user","content":%s}'

CONVERSATIONS = [
    # id, key, epoch, next_position, length, does it expire, is_created, owner, title, metadata
    (1, b"begun", 0, 2, 2, False, False, None, None, None),
    (2, b"created", 0, 0, 0, True, True, b"ann", b"Trip \0", '{"n":[1,"é"]}'.encode()),
    (4, b"changed", 1, 4, 3, False, False, b"bob", None, None),
    (5, b"fork", 0, 1, 1, False, True, None, None, b'{"forked_from":"begun"}'),
]
MESSAGES = [
    # conversation, position, message_id, is its append known, content
    (1, 0, "a", True, "a"),
    (1, 1, "b", True, "b"),
    (4, 0, "c", False, "put"),
    (4, 2, "é", True, "inserted"),
    (4, 3, "d", False, "d"),
    (5, 0, "a", False, "a"),
]
REQUESTS = [
    # key, how many appends, position, the content of the body, has it times and a length
    ("created", 0, None, None, True),
    ("changed", 1, None, None, False),
    ("changed", 0, None, None, False),
    ("changed", 0, None, None, True),
    ("fork", 0, None, None, True),
    ("short", 1, 0, "x", False),
    ("short", 1, 2, None, False),
]


def user(content: str, message_id: str | None = None) -> ChatMessage:
    return message(content, id=message_id or content, created_at=CREATED_AT)


def body(message_id: str, content: str) -> str:
    return BODY % (json.dumps(message_id, ensure_ascii=False), json.dumps(content))


@pytest.fixture
def harness(newest_server: PostgresServer) -> PostgresHarness:
    return PostgresHarness(newest_server)


def fill(harness: PostgresHarness) -> None:
    with harness.open() as store, harness.open(ttl=60) as expiring:
        store.add_message("begun", user("a"))
        store.add_message("begun", user("b"))
        expiring.create_conversation(
            "created", owner="ann", title="Trip \0", metadata={"n": [1, "é"]}
        )
        store.add_message("changed", user("first"))
        store.set_messages("changed", [user("c"), user("d")])
        store.add_message("changed", user("inserted", "é"), 1)
        store.put_message("changed", user("put", "c"))
        store.update_conversation("changed", owner="bob")
        store.fork("begun", "fork", until="a")
        store.add_messages("short", [user(text) for text in "xyz"])
        store.delete_message("short", 0)
        store.truncate("short", from_id="y")


def normalized(sql: str) -> list[str]:
    statements = re.sub(r"--.*", "", sql).split(";")
    return [" ".join(one.split()) for one in statements if one.strip()]


def test_the_readme_has_the_tables() -> None:
    [documented] = [
        sql for sql in re.findall(r"```sql\n(.*?)```", README, re.DOTALL) if "CREATE TABLE" in sql
    ]
    created = normalized(PostgresChatStore.ddl())
    assert created == ["BEGIN", *normalized(documented), "COMMIT"]


def test_conversations(harness: PostgresHarness) -> None:
    fill(harness)
    rows = harness.execute(
        "SELECT id, key, epoch, next_position, length, expires_at IS NOT NULL, is_created, owner, "
        "title, metadata FROM {t}_conversations ORDER BY id"
    )
    assert rows == CONVERSATIONS
    for revision, begun, updated, expires, owner, listed in harness.execute(
        "SELECT revision, created_at, updated_at, expires_at, owner, listed_at "
        "FROM {t}_conversations"
    ):
        assert 0 < revision < 2**63
        assert begun <= updated
        assert listed == (updated if owner else None)
        assert expires is None or 59 < (expires - updated).total_seconds() < 61
    revisions = harness.execute("SELECT count(DISTINCT revision) FROM {t}_conversations")
    assert revisions == [(len(CONVERSATIONS),)]


def test_messages(harness: PostgresHarness) -> None:
    fill(harness)
    rows = harness.execute(
        "SELECT conversation, position, message_id, request_id IS NOT NULL, body, "
        "body_hash = hashtextextended(body, 0) FROM {t}_messages ORDER BY conversation, position"
    )
    assert rows == [
        (conversation, position, name.encode(), is_known, body(name, content), True)
        for conversation, position, name, is_known, content in MESSAGES
    ]


def test_requests(harness: PostgresHarness) -> None:
    fill(harness)
    rows: list[tuple[Any, ...]] = harness.execute(
        "SELECT key_hash, coalesce(cardinality(appended), 0), position, body, effect "
        "FROM {t}_requests ORDER BY expires_at"
    )
    hashes = {
        bytes(harness.execute("SELECT substring(sha256(%s) for 16)", name.encode())[0][0]): name
        for name in {request[0] for request in REQUESTS}
    }
    assert [
        (hashes[bytes(key)], count, position, text, effect is not None)
        for key, count, position, text, effect in rows
    ] == [
        (key, count, position, text and body(text, text), has_effect)
        for key, count, position, text, has_effect in REQUESTS
    ]
    for *_, effect in rows:
        if effect is not None:
            begun, updated, expires, length = effect
            assert begun <= updated
            assert expires is None or 59 < expires - updated < 61
            assert length == int(length)


def test_appends_are_those_of_the_messages(harness: PostgresHarness) -> None:
    with harness.open() as store:
        store.add_message("k", user("a"))
        [(request_id, revision)] = harness.execute(
            "SELECT request_id, revision FROM {t}_messages, {t}_conversations"
        )
        assert request_id == revision > 0
        store.put_message("k", user("b", "a"))
        assert harness.execute("SELECT appended FROM {t}_requests") == [([request_id],)]
        assert harness.execute("SELECT request_id FROM {t}_messages") == [(None,)]
