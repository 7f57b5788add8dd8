"""Conversations that LangChain's own packages wrote are copied completely and stay unchanged.

The available servers do not have RedisJSON, which langchain-redis needs: a double of the client
returns documents as that package's source writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import upstash_redis
from copying import check_copies, dump
from langchain_core.messages import HumanMessage, messages_from_dict
from sqlalchemy import create_engine

from chatstore.core import CorruptMessageError, CorruptStoreError, SimpleChatStore
from chatstore.langchain import to_langchain
from chatstore.migrate import migrate
from chatstore.migrate.langchain import (
    from_dynamodb,
    from_file,
    from_postgres,
    from_redis,
    from_redis_json,
    from_sql,
)

Fill = Callable[..., dict[str, Any]]


def check(source: Any, filled: dict[str, Any]) -> None:
    expected = {key: messages_from_dict(messages) for key, messages in filled.items()}
    check_copies(source, expected, to_langchain)


def test_file(fill: Fill, tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    filled = fill("langchain", "file", path=str(path))
    before = hashlib.sha256(path.read_bytes()).digest()
    check(from_file(path), filled)
    check(from_file(path, key="user:1"), {"user:1": filled["chat"]})
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_sql(fill: Fill, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    filled = fill("langchain", "sql", url=url)
    engine = create_engine(url)
    check(from_sql(engine), filled)
    engine.dispose()


def test_postgres(fill: Fill, postgres_url: str) -> None:
    filled = fill("langchain", "postgres", url=postgres_url, table="chat_history")
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    check(from_postgres(engine, "chat_history"), filled)
    engine.dispose()


def test_redis(fill: Fill, redis_port: int) -> None:
    filled = fill("langchain", "redis", url=f"redis://127.0.0.1:{redis_port}")
    with redis.Redis(port=redis_port) as client:
        client.rpush("list of another program", "x")
        before = dump(client)
        check(from_redis(client), filled)
        assert dump(client) == before


def test_upstash(fill: Fill, upstash: Any) -> None:
    filled = fill("langchain", "upstash", url=upstash.url, token=upstash.token)
    with upstash_redis.Redis(upstash.url, upstash.token) as client:
        check(from_redis(client), filled)


def test_dynamodb(fill: Fill, dynamodb_server: Any, dynamodb_table: Any) -> None:
    from dynamodb_server import KEYS, REGION

    where = {
        "url": dynamodb_server.url,
        "table": dynamodb_table.name,
        "region": REGION,
        "keys": KEYS,
    }
    filled = fill("langchain", "dynamodb", **where)
    check(from_dynamodb(dynamodb_table), filled)


class Documents:
    """A double of a RedisJSON client with documents."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents

    def scan_iter(self, match: str, count: int) -> Any:
        assert match == "chat:*"
        return [name.encode() for name in self.documents]

    def json(self) -> Any:
        return self

    def get(self, name: str) -> Any:
        return self.documents[name]


def document(key: str, text: str, time: float, name: str) -> Any:
    data = {"content": text, "additional_kwargs": {}, "type": "human"}
    fields = {"type": "human", "message_id": name, "data": data, "session_id": key}
    return f"chat:{key}:{name}", {**fields, "timestamp": time}


def test_redis_json() -> None:
    client = Documents(
        dict(
            [
                document("b", "x", 5.0, "01C"),
                document("a", "2", 2.0, "01B"),
                document("a", "1", 1.0, "01D"),
                document("a", "3", 2.0, "01E"),
            ]
        )
    )
    store = SimpleChatStore()
    migrate(from_redis_json(client), store)

    assert to_langchain(store.get_messages("a")) == [HumanMessage(text) for text in "123"]
    assert to_langchain(store.get_messages("b")) == [HumanMessage("x")]


@pytest.mark.parametrize(
    "foreign",
    ["text", 7, [], {}, {"session_id": "a"}, {"session_id": 1, "timestamp": 2.0},
     {"session_id": "a", "timestamp": "noon"}],
)  # fmt: skip
def test_redis_json_names_documents_of_other_programs(foreign: Any) -> None:
    client = Documents({"chat:other": foreign, **dict([document("a", "1", 1.0, "01D")])})
    with pytest.raises(CorruptStoreError, match="'chat:other' is not a message"):
        migrate(from_redis_json(client), SimpleChatStore())


def test_redis_json_skips_documents_that_were_deleted_since() -> None:
    client = Documents({"chat:gone": None, **dict([document("a", "1", 1.0, "01D")])})
    store = SimpleChatStore()
    migrate(from_redis_json(client), store)
    assert store.get_keys() == ["a"]


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_text('[{"type": "human", "data": {"content": "x"}}, {"type": "new", "data": {}}]')
    with pytest.raises(CorruptMessageError) as caught:
        migrate(from_file(path), SimpleChatStore())
    assert (caught.value.key, caught.value.position) == ("chat", 1)
