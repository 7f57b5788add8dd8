"""Conversations that LlamaIndex's own packages wrote are copied completely and stay unchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import upstash_redis
from azure.data.tables import TableClient
from copying import check_copies, dump
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

Fill = Callable[..., dict[str, Any]]


def check(source: Any, filled: dict[str, Any]) -> None:
    expected = {
        key: [ChatMessage.model_validate(m) for m in messages] for key, messages in filled.items()
    }
    check_copies(source, expected, to_llama_index)


def test_simple(fill: Fill, tmp_path: Path) -> None:
    path = tmp_path / "chat_store.json"
    filled = fill("llama_index", "simple", path=str(path))
    before = hashlib.sha256(path.read_bytes()).digest()
    check(from_json(path), filled)
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_redis(fill: Fill, redis_port: int) -> None:
    filled = fill("llama_index", "redis", url=f"redis://127.0.0.1:{redis_port}")
    with redis.Redis(port=redis_port) as client:
        client.set("of another program", "x")
        before = dump(client)
        check(from_redis(client), filled)
        assert dump(client) == before

        client.rpush("list of another program", "no message")
        with pytest.raises(CorruptMessageError, match="not a message") as caught:
            migrate(from_redis(client), SimpleChatStore())
        assert caught.value.key == "list of another program"
        short = {key.removeprefix("user:"): messages for key, messages in filled.items()}
        check(from_redis(client, prefix="user:"), short)


def test_upstash(fill: Fill, upstash: Any) -> None:
    filled = fill("llama_index", "upstash", url=upstash.url, token=upstash.token)
    with upstash_redis.Redis(upstash.url, upstash.token) as client:
        check(from_redis(client), filled)


def test_postgres(fill: Fill, postgres_url: str) -> None:
    filled = fill("llama_index", "postgres", url=postgres_url)
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    check(from_postgres(engine), filled)
    engine.dispose()


def test_sqlite(fill: Fill, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    filled = fill("llama_index", "sqlite", url=url)
    engine = create_engine(url)
    check(from_sqlite(engine), filled)
    engine.dispose()


def test_memory(fill: Fill, tmp_path: Path) -> None:
    filled = fill("llama_index", "memory", url=f"sqlite+aiosqlite:///{tmp_path}/other.db")
    engine = create_engine(f"sqlite:///{tmp_path}/other.db")
    check(from_memory(engine), filled)
    engine.dispose()


def test_dynamodb(fill: Fill, dynamodb_server: Any, dynamodb_table: Any) -> None:
    from dynamodb_server import KEYS, REGION

    where = {
        "url": dynamodb_server.url,
        "table": dynamodb_table.name,
        "region": REGION,
        "keys": KEYS,
    }
    filled = fill("llama_index", "dynamodb", **where)
    check(from_dynamodb(dynamodb_table), filled)


def test_azure(fill: Fill, azurite: Any) -> None:
    from azurite_server import ACCOUNT, KEY

    endpoint = f"http://127.0.0.1:{azurite.port}/{ACCOUNT}"
    text = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
    text += f"TableEndpoint={endpoint};"
    filled = fill("llama_index", "azure", connection_string=text)
    with TableClient.from_connection_string(text, "ChatMessages") as client:
        check(from_azure(client), filled)


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chat_store.json"
    path.write_text(json.dumps({"store": {"k": [{"role": "user", "blocks": []}, {"role": "?"}]}}))
    with pytest.raises(CorruptMessageError) as caught:
        migrate(from_json(path), SimpleChatStore())
    assert (caught.value.key, caught.value.position) == ("k", 1)
