"""What is stored, byte by byte: later versions read it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from chatstore.conditional import names
from chatstore.conditional.head import Garbage, Head, Staging
from chatstore.conditional.head_json import dump_head, load_head
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import ChatMessage, codec
from chatstore.core.backend import owner_index

NOW = 1_764_150_000.5
CREATED = datetime(2025, 11, 26, 9, 40, tzinfo=timezone.utc)
BODY = f'{{"v":1,"id":"%s","created_at":"{CREATED.isoformat()}","role":"user","content":"%s"}}'


def message(text: str, **fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content=text, created_at=CREATED, **fields)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> MemoryDatabase:
    """Return a database; names count from 1, and the clock is stopped."""
    name, milliseconds = count(1), count(1)
    monkeypatch.setattr(names, "token_bytes", lambda _: next(name).to_bytes(8, "big"))
    monkeypatch.setattr(owner_index, "token_hex", lambda _: "e" * 24)
    monkeypatch.setattr(owner_index, "time", SimpleNamespace(time=lambda: NOW))
    monkeypatch.setattr(
        codec, "new_id", lambda: f"{1_764_150_000_000 + next(milliseconds):012x}{20 * '7'}"
    )
    return MemoryDatabase()


@pytest.fixture
def store(database: MemoryDatabase) -> Iterator[MemoryChatStore]:
    with MemoryChatStore(database, ttl=3600, clock=lambda: NOW) as store:
        yield store


def test_appended_messages(database: MemoryDatabase, store: MemoryChatStore) -> None:
    store.add_message("k", message("a"))
    store.add_message("k", message("b", id="x"))
    assert stored(database, "k") == {
        "head": '{"v":1,"e":"aaaaaaaaaaaae","g":"aaaaaaaaaaaag","s":"aaaaaaaaaaaai","p":2,"n":2,'
        '"i":0,"m":[[0,2]],"x":[1764150000.5,3600.0,1764150000.5],'
        '"r":"aaaaaaaaaaaacaaaaaaaaaaaak","c":2,"f":2,"l":[1764150000001,0]}',
        "seal": "1",
        "aaaaaaaaaaaai.0": "1|" + BODY % ("019abf88b98177777777777777777777", "a"),
        "aaaaaaaaaaaai.1": "1*aaaaaaaaaaaak|" + BODY % ("x", "b"),
        "aaaaaaaaaaaag-04087cb4c58f389c80bef882e3392f1b3b0e9e3c": "1",
    }


def test_put_inserted_and_removed_messages(
    database: MemoryDatabase, store: MemoryChatStore
) -> None:
    store.add_messages("k", [message(text, id=text) for text in "abc"])
    store.put_message("k", message("B", id="b"))
    store.add_message("k", message("d"), 0)
    store.remove_message("k", "a")
    assert stored(database, "k") == {
        "head": '{"v":1,"e":"aaaaaaaaaaaao","g":"aaaaaaaaaaaag","s":"aaaaaaaaaaaai","p":4,"n":5,'
        '"i":0,"m":[[0,1,4],[1,1,3],[0,1,2]],"x":[1764150000.5,3600.0,1764150000.5],'
        '"r":"aaaaaaaaaaaacaaaaaaaaaaaakaaaaaaaaaaaamaaaaaaaaaaaaq","c":4,"f":2}',
        "seal": "1",
        "aaaaaaaaaaaai.2": "1*aaaaaaaaaaaac|" + BODY % ("c", "c"),
        "aaaaaaaaaaaag-e3418a3ba7ea22b5bc30f0c76bc7ada8d7bdc9f8": "2",
        "aaaaaaaaaaaai.3": "1*aaaaaaaaaaaak|" + BODY % ("b", "B"),
        "aaaaaaaaaaaag-6645b53521f8eaf97e3d6404385b1835da0bb135": "3",
        "aaaaaaaaaaaai.4": "1*aaaaaaaaaaaam|" + BODY % ("019abf88b98177777777777777777777", "d"),
        "aaaaaaaaaaaag-823bdd2dbd7a0307b39a9abca594461e9d0a6165": "4",
    }


def test_records_of_conversations(database: MemoryDatabase, store: MemoryChatStore) -> None:
    store.create_conversation("k", owner="ann", title="Größe 😀", metadata={"n": [1, None]})
    store.create_conversation("long", title="t" * 400)
    assert stored(database, "k") == {
        "head": '{"v":1,"e":"aaaaaaaaaaaau","g":"aaaaaaaaaaaak","s":"aaaaaaaaaaaas","p":0,"n":0,'
        '"i":0,"m":[],"x":[1764150000.5,3600.0,1764150000.5],"r":"aaaaaaaaaaaam","c":1,"f":0,'
        '"o":1764150000.5,'
        '"k":["ann","Größe 😀","{\\"n\\":[1,null]}",true,"eeeeeeeeeeeeeeeeeeeeeeee"]}'
    }
    assert stored(database, "long") == {
        "head": '{"v":1,"e":"aaaaaaaaaaaba","g":"aaaaaaaaaaaaw","s":"aaaaaaaaaaaa6","p":0,"n":0,'
        '"i":1,"m":[],"x":[1764150000.5,3600.0,1764150000.5],"r":"aaaaaaaaaaaay","c":1,"f":0,'
        '"b":0,"k":[null,null,null,true,null]}',
        "aaaaaaaaaaaa6_d.0": f'["{400 * "t"}",null]',
    }


def test_owners_lists(database: MemoryDatabase, store: MemoryChatStore) -> None:
    store.create_conversation("k", owner="ann")
    [key] = database.owner_lists().heads
    assert key == hashlib.sha256(b"ann").hexdigest()
    assert stored(database.owner_lists(), key) == {
        "head": '{"v":1,"e":"aaaaaaaaaaaae","g":"aaaaaaaaaaaag","s":"aaaaaaaaaaaai","p":1,"n":1,'
        '"i":0,"m":[[0,1]],"x":[1764150000.5,null,1764150000.5],"r":"aaaaaaaaaaaac","c":1,"f":2}',
        "seal": "1",
        "aaaaaaaaaaaai.0": "1*aaaaaaaaaaaac|"
        '{"id": "eeeeeeeeeeeeeeeeeeeeeeee", "key": "k", "refreshed": 1764150000.5}',
        "aaaaaaaaaaaag-d5f4f7b02f3805241198a3e71e9c70f17a79fbf2": "0",
    }


def test_what_large_writes_and_truncations_leave_in_the_head() -> None:
    head = Head("e" * 13, "g" * 13, "s" * 13)._replace(
        unmarked=((3, 7),),
        garbage=(Garbage(0, 2), Garbage(4, 0, "g" * 13, is_divided=True, has_messages=True)),
        stagings=(Staging("r" * 13, 7, 2, 1, NOW, is_divided=True),),
    )
    text = (
        '{"v":1,"e":"eeeeeeeeeeeee","g":"ggggggggggggg","s":"sssssssssssss","p":0,"n":0,"i":0,'
        '"m":[],"x":[null,null,null],"r":"","c":0,"f":0,"u":[[3,7]],'
        '"d":[[0,2,"",false],[4,0,"ggggggggggggg",true,true]],'
        '"t":[["rrrrrrrrrrrrr",7,2,1,1764150000.5,true]]}'
    )
    assert dump_head(head) == text
    assert load_head(text) == head


def stored(database: MemoryDatabase, key: str) -> dict[str, str]:
    return {"head": database.heads[key][0], **database.records.get(key, {})}
