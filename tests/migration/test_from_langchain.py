"""What LangChain's own packages kept on real servers is copied whole, and stays where it was.

RedisJSON, which langchain-redis needs, is no part of the servers that can be had here: its
documents are tested as that package's source writes them, over a client that gives them.
"""

from __future__ import annotations

import hashlib

import pytest
import redis
import upstash_redis
from langchain_core.messages import HumanMessage, messages_from_dict
from sqlalchemy import create_engine

from chatstore.core import CorruptMessageError, SimpleChatStore
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


def everything(client):
    return {name: client.dump(name) for name in client.scan_iter()}


def check(source, left):
    """Migrate twice, and compare with what their history reads."""
    expected = {key: messages_from_dict(some) for key, some in left.items()}
    with SimpleChatStore() as store:
        done = migrate(source, store)
        again = migrate(source, store)
        found = {key: to_langchain(store.get_messages(key)) for key in store.get_keys()}
    assert found == expected
    assert {one.key: one.messages for one in done} == {k: len(m) for k, m in expected.items()}
    assert [one.copied for one in again] == [0] * len(done)
    assert sum(one.copied for one in done) == sum(map(len, expected.values())) > 4


def test_file(leave, tmp_path):
    path = tmp_path / "chat.json"
    left = leave("langchain", "file", path=str(path))
    before = hashlib.sha256(path.read_bytes()).digest()
    check(from_file(path), left)
    check(from_file(path, key="user:1"), {"user:1": left["chat"]})
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_sql(leave, tmp_path):
    url = f"sqlite:///{tmp_path}/theirs.db"
    left = leave("langchain", "sql", url=url)
    engine = create_engine(url)
    check(from_sql(engine), left)
    engine.dispose()


def test_postgres(leave, postgres_url):
    left = leave("langchain", "postgres", url=postgres_url, table="chat_history")
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    check(from_postgres(engine, "chat_history"), left)
    engine.dispose()


def test_redis(leave, redis_port):
    left = leave("langchain", "redis", url=f"redis://127.0.0.1:{redis_port}")
    with redis.Redis(port=redis_port) as client:
        client.rpush("list of another program", "x")
        before = everything(client)
        check(from_redis(client), left)
        assert everything(client) == before


def test_upstash(leave, upstash):
    left = leave("langchain", "upstash", url=upstash.url, token=upstash.token)
    with upstash_redis.Redis(upstash.url, upstash.token) as client:
        check(from_redis(client), left)


def test_dynamodb(leave, dynamodb, dynamodb_table):
    from dynamodb_server import KEYS, REGION

    where = {"url": dynamodb.url, "table": dynamodb_table.name, "region": REGION, "keys": KEYS}
    left = leave("langchain", "dynamodb", **where)
    check(from_dynamodb(dynamodb_table), left)


class Documents:
    """A client of RedisJSON that holds documents."""

    def __init__(self, documents):
        self.documents = documents

    def scan_iter(self, match, count):
        assert match == "chat:*"
        return [name.encode() for name in self.documents]

    def json(self):
        return self

    def get(self, name):
        return self.documents[name]


def document(key, text, time, name):
    data = {"content": text, "additional_kwargs": {}, "type": "human"}
    fields = {"type": "human", "message_id": name, "data": data, "session_id": key}
    return f"chat:{key}:{name}", {**fields, "timestamp": time}


def test_redis_json():
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


def test_what_is_damaged_is_named(tmp_path):
    path = tmp_path / "chat.json"
    path.write_text('[{"type": "human", "data": {"content": "x"}}, {"type": "new", "data": {}}]')
    with pytest.raises(CorruptMessageError) as caught:
        migrate(from_file(path), SimpleChatStore())
    assert (caught.value.key, caught.value.position) == ("chat", 1)
