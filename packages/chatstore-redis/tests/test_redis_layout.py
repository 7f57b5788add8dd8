"""What is in the database: later versions read it, so a change needs another version number."""

from __future__ import annotations

import hashlib
import itertools
import re
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from chatstore.core import ChatMessage
from chatstore.core.backend import owner_index
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts import writing

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
BODY = '{"v":1,"id":"%s","created_at":"2026-01-02T03:04:05+00:00","role":"user","content":%s}'
ANN = hashlib.sha256(b"ann").hexdigest()
ENTRY = '{"id": "entry", "key": "k%{", "refreshed": 1800000000.123}'


def sealed(body: str) -> str:
    return body + hashlib.sha1(body.encode()).hexdigest()[:12]


def body(message_id: str, content: str) -> str:
    return sealed(BODY % (message_id, content))


def request(number: int) -> str:
    return f"{number:016x}"


# Times are shown as T: milliseconds since 1970.
CONVERSATIONS: dict[str, Any] = {
    "chatstore:{plain}:head": {"state": f"1 {request(1)} {request(1)} 1 1 0 {request(1)} T T 0 0 "},
    "chatstore:{plain}:order": [("a", 0)],
    "chatstore:{plain}:bodies": {"a": body("a", '"Hi"')},
    "chatstore:{k%25%7B}:head": {
        "state": f"1 {request(5)} {request(7)} 5 2 3 {request(7)} T T T T cor",
        "owner": "ann",
        "title": "Trip \0",
        "metadata": '{"n":[1,"é"]}',
        "entry": "entry",
    },
    "chatstore:{k%25%7B}:order": [("c", 2), ("é", 3)],
    "chatstore:{k%25%7B}:bodies": {"é": body("é", '"\\n"'), "c": body("c", '"put"')},
    f"chatstore:{{{ANN}}}:owned:head": {
        "state": f"1 {request(2)} {request(2)} 1 1 0 {request(2)} T T 0 0 "
    },
    f"chatstore:{{{ANN}}}:owned:order": [("entry", 0)],
    f"chatstore:{{{ANN}}}:owned:bodies": {"entry": sealed(ENTRY)},
    "chatstore:{empty}:head": {
        "state": f"1 {request(8)} {request(8)} 0 0 0 {request(8)} T T 0 0 c"
    },
}
# requests0 or requests1, depending on the time
REQUESTS: dict[str, Any] = {
    "chatstore:{plain}:requests": {request(1): ""},
    "chatstore:{k%25%7B}:requests": {
        request(3): f"1 {request(3)} {request(3)} 0 0 0 {request(3)} T T T T cor",
        request(4): "",
        request(5): "",
        request(6): "4 " + body("b", '"b"'),
        request(7): "",
    },
    f"chatstore:{{{ANN}}}:owned:requests": {request(2): ""},
    "chatstore:{empty}:requests": {
        request(8): f"1 {request(8)} {request(8)} 0 0 0 {request(8)} T T 0 0 c"
    },
}


def user(message_id: str, content: str) -> ChatMessage:
    return message(content, id=message_id, created_at=CREATED_AT)


def fill(url: str) -> None:
    with RedisChatStore(url) as store, RedisChatStore(url, ttl=60) as expiring:
        store.add_message("plain", user("a", "Hi"))
        expiring.create_conversation("k%{", owner="ann", title="Trip \0", metadata={"n": [1, "é"]})
        expiring.add_messages("k%{", [user("é", "\n"), user("b", "b")])
        expiring.add_message("k%{", user("c", "inserted"), 0)
        expiring.remove_message("k%{", "b")
        expiring.put_message("k%{", user("c", "put"))
        store.create_conversation("empty")


def text(stored: bytes) -> str:
    return re.sub(r"\b1[78]\d{11}\b", "T", stored.decode())


def stored(client: Any, name: bytes) -> Any:
    if client.type(name) == b"zset":
        return [(text(id_), score) for id_, score in client.zrange(name, 0, -1, withscores=True)]
    return {text(field): text(value) for field, value in client.hgetall(name).items()}


def test_stored_bytes(client: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1)
    monkeypatch.setattr(writing, "new_request_id", lambda: request(next(numbers)))
    monkeypatch.setattr(owner_index, "token_hex", lambda _: "entry")
    monkeypatch.setattr(owner_index, "time", SimpleNamespace(time=lambda: 1_800_000_000.123))
    fill(url)
    result: dict[str, Any] = {}
    for name in client.keys("*"):
        part = stored(client, name)
        key = re.sub("requests[01]$", "requests", name.decode())
        result[key] = {**result.get(key, {}), **part} if isinstance(part, dict) else part
    assert result == {**CONVERSATIONS, **REQUESTS}
    expiring = {name.decode() for name in client.keys("*") if 0 < client.ttl(name) <= 60}
    assert expiring == {f"chatstore:{{k%25%7B}}:{part}" for part in ("head", "order", "bodies")}


def test_stored_conversations_are_read(client: Any, url: str) -> None:
    """The snapshot, put into an empty database, is what the store reads."""
    now = 1_800_000_000_000
    for name, part in CONVERSATIONS.items():
        if isinstance(part, list):
            client.zadd(name, dict(part))
        else:
            client.hset(
                name,
                mapping={
                    f: v.replace("T", str(now)) if f == "state" else v for f, v in part.items()
                },
            )
    with RedisChatStore(url) as store:
        assert store.get_messages("plain") == [message("Hi")]
        assert [one.content for one in store.get_messages("k%{")] == ["put", "\n"]
        page = store.list_conversations(owner="ann")
        [conversation] = page.conversations
        assert (conversation.key, conversation.length) == ("k%{", 2)
        assert (conversation.title, conversation.metadata) == ("Trip \0", {"n": [1, "é"]})
        assert conversation.revision == request(7)
        assert conversation.created_at.timestamp() == now / 1000
        assert conversation.expires_at is not None
        empty = store.get_conversation("empty")
        assert empty is not None
        assert (empty.length, empty.owner, empty.expires_at) == (0, None, None)
        store.add_message("k%{", message("d"))
        assert store.count_messages("k%{") == 3
