"""What is in the file: later versions read it, so a change needs a migration."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from chatstore.core import ChatMessage
from chatstore.core.testing.messages import message
from chatstore.sqlite import SQLiteChatStore

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
BODY = '{"v":1,"id":%s,"created_at":"2026-01-02T03:04:05+00:00","role":"user","content":%s}'

CONVERSATIONS = [
    # id, key, next_position, length, created_at, updated_at, expires_at, is_created, owner, title,
    # metadata
    (1, "begun", 2, 2, 1.5, 2.5, None, 0, None, None, None),
    (2, "created", 0, 0, 3.5, 3.5, 63.5, 1, "ann", "Trip \0", '{"n":[1,"é"]}'),
    (3, "changed", 4, 3, 4.5, 7.5, None, 0, "bob", None, None),
    (4, "fork", 1, 1, 8.5, 8.5, None, 1, None, None, '{"forked_from":"begun"}'),
]
MESSAGES = [
    # conversation, position, message_id, body
    (1, 0, "a", "a"),
    (1, 1, "b", "b"),
    (3, 0, "c", "put"),
    (3, 2, "é", "inserted"),
    (3, 3, "d", "d"),
    (4, 0, "a", "a"),
]


def query(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchall()


def user(content: str, message_id: str | None = None) -> ChatMessage:
    return message(content, id=message_id or content, created_at=CREATED_AT)


def fill(path: Path) -> None:
    """Write conversations, each call at another time."""
    now = 0.0
    with (
        SQLiteChatStore(path, clock=lambda: now) as store,
        SQLiteChatStore(path, ttl=60, clock=lambda: now) as expiring,
    ):
        now = 1.5
        store.add_message("begun", user("a"))
        now = 2.5
        store.add_message("begun", user("b"))
        now = 3.5
        expiring.create_conversation(
            "created", owner="ann", title="Trip \0", metadata={"n": [1, "é"]}
        )
        now = 4.5
        store.set_messages("changed", [user("c"), user("d")])
        now = 5.5
        store.add_message("changed", user("inserted", "é"), 1)
        now = 6.5
        store.put_message("changed", user("put", "c"))
        now = 7.5
        store.update_conversation("changed", owner="bob")
        now = 8.5
        store.fork("begun", "fork", until="a")


def test_the_readme_has_the_tables(tmp_path: Path) -> None:
    SQLiteChatStore(tmp_path / "chat.db").setup()
    created = query(tmp_path / "chat.db", "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    [documented] = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    documented = re.sub(r"--.*", "", documented)
    assert {" ".join(sql.split()) for (sql,) in created if "sqlite_sequence" not in sql} == {
        " ".join(sql.split()) for sql in documented.split(";") if sql.strip()
    }


def test_rows(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    fill(path)
    columns = (
        "id, key, next_position, length, created_at, updated_at, expires_at, is_created, owner, "
        "title, metadata"
    )
    assert query(path, f"SELECT {columns} FROM chatstore_conversations") == CONVERSATIONS
    messages = "SELECT conversation, position, message_id, body FROM chatstore_messages"
    assert query(path, f"{messages} ORDER BY conversation, position") == [
        (*row, BODY % (json.dumps(row[-1], ensure_ascii=False), json.dumps(content)))
        for *row, content in MESSAGES
    ]
    for column in ("epoch", "revision"):
        numbers = query(path, f"SELECT {column} FROM chatstore_conversations")
        assert len(set(numbers)) == len(CONVERSATIONS)
        assert all(0 < number < 2**62 for (number,) in numbers)
