"""The stored items, byte by byte: later versions read them."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from dynamodb_server import DynamoDBServer

from chatstore.conditional import names
from chatstore.core import ChatMessage, codec
from chatstore.core.backend import owner_index
from chatstore.dynamodb import DynamoDBChatStore, database

NOW = 1_764_150_000.5
CREATED = datetime(2025, 11, 26, 9, 40, tzinfo=timezone.utc)
BODY = f'{{"v":1,"id":"%s","created_at":"{CREATED.isoformat()}","role":"user","content":"%s"}}'
LIST = "49915e0d7d4b402e3017d010bc1c0e83cac6c797d6c16e66340fe3268693a6a1"


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let names count from 1, and stop the clock."""
    name = count(1)
    monkeypatch.setattr(names, "token_bytes", lambda _: next(name).to_bytes(8, "big"))
    monkeypatch.setattr(owner_index, "token_hex", lambda _: "e" * 24)
    monkeypatch.setattr(owner_index, "time", SimpleNamespace(time=lambda: NOW))
    monkeypatch.setattr(database, "time", SimpleNamespace(time=lambda: NOW))
    monkeypatch.setattr(database, "secrets", SimpleNamespace(token_hex=lambda _: 32 * "f"))
    monkeypatch.setattr(codec, "new_id", lambda: f"019abf88b981{20 * '7'}")


def items_of(server: DynamoDBServer, table: str) -> list[Any]:
    client = server.client()
    items: list[Any] = client.scan(TableName=table)["Items"]
    client.close()
    return items


@pytest.mark.usefixtures("fixed")
def test_the_items_of_conversations_and_lists(server: DynamoDBServer) -> None:
    table = server.new_table()
    with DynamoDBChatStore(table, endpoint_url=server.url, clock=lambda: NOW) as store:
        store.create_conversation("k", owner="ann", title="t" * 400)
        store.add_message("k", ChatMessage(role="user", content="a", created_at=CREATED))
        store.add_message("k", ChatMessage(role="user", content="b", id="x", created_at=CREATED))
        store.add_message("ended", ChatMessage(role="user", content="a", created_at=CREATED))
        store.delete_messages("ended")
    items = {item.pop("SessionId")["S"]: item for item in items_of(server, table)}
    version = {"v": {"S": 32 * "f"}}
    assert items == {
        "chatstore/head/ended": {
            "b": {
                "S": '{"v":1,"e":"aaaaaaaaaaabg","g":"aaaaaaaaaaabc","s":"aaaaaaaaaaaba","p":1,'
                '"n":1,"i":0,"m":[],"x":[1764150000.5,259200.0,null],'
                '"r":"aaaaaaaaaaaa2aaaaaaaaaaabe","c":2,"f":0}'
            },
            "TTL": {"N": "1764409200"},
            **version,
        },
        "chatstore/head/k": {
            "b": {
                "S": '{"v":1,"e":"aaaaaaaaaaaau","g":"aaaaaaaaaaaak","s":"aaaaaaaaaaaas","p":2,'
                '"n":2,"i":1,"m":[[0,2]],"x":[1764150000.5,null,1764150000.5],'
                '"r":"aaaaaaaaaaaamaaaaaaaaaaaawaaaaaaaaaaaay","c":3,"f":2,'
                '"l":[1764150000001,0],"o":1764150000.5,"b":0,'
                '"k":["ann",null,null,true,"eeeeeeeeeeeeeeeeeeeeeeee"]}'
            },
            **version,
        },
        "chatstore/record/1/k/aaaaaaaaaaaas.0": {
            "b": {"S": "1|" + BODY % ("019abf88b98177777777777777777777", "a")}
        },
        "chatstore/record/1/k/aaaaaaaaaaaas.1": {
            "b": {"S": "1*aaaaaaaaaaaay|" + BODY % ("x", "b")}
        },
        "chatstore/record/1/k/aaaaaaaaaaaak-04087cb4c58f389c80bef882e3392f1b3b0e9e3c": {
            "b": {"S": "1"}
        },
        "chatstore/record/1/k/aaaaaaaaaaaas_d.0": {"b": {"S": f'["{400 * "t"}",null]'}},
        "chatstore/record/1/k/seal": {"b": {"S": "1"}},
        f"chatstore/owner-head/{LIST}": {
            "b": {
                "S": '{"v":1,"e":"aaaaaaaaaaaae","g":"aaaaaaaaaaaag","s":"aaaaaaaaaaaai","p":1,'
                '"n":1,"i":0,"m":[[0,1]],"x":[1764150000.5,null,1764150000.5],'
                '"r":"aaaaaaaaaaaac","c":1,"f":2}'
            },
            **version,
        },
        f"chatstore/owner-record/64/{LIST}/aaaaaaaaaaaai.0": {
            "b": {
                "S": '1*aaaaaaaaaaaac|{"id": "eeeeeeeeeeeeeeeeeeeeeeee", "key": "k", '
                '"refreshed": 1764150000.5}'
            }
        },
        f"chatstore/owner-record/64/{LIST}/"
        "aaaaaaaaaaaag-d5f4f7b02f3805241198a3e71e9c70f17a79fbf2": {"b": {"S": "0"}},
        f"chatstore/owner-record/64/{LIST}/seal": {"b": {"S": "1"}},
    }
