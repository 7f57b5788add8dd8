"""What LlamaIndex's own packages kept on real servers is copied whole, and stays where it was."""

from __future__ import annotations

import hashlib
import json

import pytest
import redis
import upstash_redis
from azure.data.tables import TableClient
from llama_index.core.llms import ChatMessage
from sqlalchemy import create_engine

from chatstore.core import CorruptMessageError, SimpleChatStore
from chatstore.llama_index import to_llama_index
from chatstore.migrate import migrate
from chatstore.migrate.llama_index import (
    from_azure,
    from_dynamodb,
    from_json,
    from_memory,
    from_postgres,
    from_redis,
    from_sqlite,
)


def everything(client):
    return {name: client.dump(name) for name in client.scan_iter()}


def check(source, left):
    """Migrate twice, and compare with what their store reads; return what was migrated."""
    expected = {key: [ChatMessage.model_validate(m) for m in some] for key, some in left.items()}
    with SimpleChatStore() as store:
        done = migrate(source, store)
        again = migrate(source, store)
        found = {key: to_llama_index(store.get_messages(key)) for key in store.get_keys()}
    assert found == expected
    assert {one.key: one.messages for one in done} == {k: len(m) for k, m in expected.items()}
    assert [one.copied for one in again] == [0] * len(done)
    assert sum(one.copied for one in done) == sum(map(len, expected.values())) > 5


def test_simple(leave, tmp_path):
    path = tmp_path / "chat_store.json"
    left = leave("llama_index", "simple", path=str(path))
    before = hashlib.sha256(path.read_bytes()).digest()
    check(from_json(path), left)
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_redis(leave, redis_port):
    left = leave("llama_index", "redis", url=f"redis://127.0.0.1:{redis_port}")
    with redis.Redis(port=redis_port) as client:
        client.set("of another program", "x")
        before = everything(client)
        check(from_redis(client), left)
        assert everything(client) == before

        client.rpush("list of another program", "no message")
        with pytest.raises(CorruptMessageError, match="not a message") as caught:
            migrate(from_redis(client), SimpleChatStore())
        assert caught.value.key == "list of another program"
        short = {key.removeprefix("user:"): some for key, some in left.items()}
        check(from_redis(client, prefix="user:"), short)


def test_upstash(leave, upstash):
    left = leave("llama_index", "upstash", url=upstash.url, token=upstash.token)
    with upstash_redis.Redis(upstash.url, upstash.token) as client:
        check(from_redis(client), left)


def test_postgres(leave, postgres_url):
    left = leave("llama_index", "postgres", url=postgres_url)
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    check(from_postgres(engine), left)
    engine.dispose()


def test_sqlite(leave, tmp_path):
    url = f"sqlite:///{tmp_path}/theirs.db"
    left = leave("llama_index", "sqlite", url=url)
    engine = create_engine(url)
    check(from_sqlite(engine), left)
    engine.dispose()


def test_memory(leave, tmp_path):
    left = leave("llama_index", "memory", url=f"sqlite+aiosqlite:///{tmp_path}/theirs.db")
    engine = create_engine(f"sqlite:///{tmp_path}/theirs.db")
    check(from_memory(engine), left)
    engine.dispose()


def test_dynamodb(leave, dynamodb, dynamodb_table):
    from dynamodb_server import KEYS, REGION

    where = {"url": dynamodb.url, "table": dynamodb_table.name, "region": REGION, "keys": KEYS}
    left = leave("llama_index", "dynamodb", **where)
    check(from_dynamodb(dynamodb_table), left)


def test_azure(leave, azurite):
    from azurite_server import ACCOUNT, KEY

    endpoint = f"http://127.0.0.1:{azurite.port}/{ACCOUNT}"
    text = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
    text += f"TableEndpoint={endpoint};"
    left = leave("llama_index", "azure", connection_string=text)
    with TableClient.from_connection_string(text, "ChatMessages") as client:
        check(from_azure(client), left)


def test_what_is_damaged_is_named(tmp_path):
    path = tmp_path / "chat_store.json"
    path.write_text(json.dumps({"store": {"k": [{"role": "user", "blocks": []}, {"role": "?"}]}}))
    with pytest.raises(CorruptMessageError) as caught:
        migrate(from_json(path), SimpleChatStore())
    assert (caught.value.key, caught.value.position) == ("k", 1)
