"""What is in the container: later versions read it, so a change needs a migration."""

from __future__ import annotations

import itertools
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient
from cosmos_double import CosmosDouble

from chatstore.core.testing.messages import message
from chatstore.cosmos import CosmosChatStore
from chatstore.cosmos.container import INDEXING

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
MESSAGE = '{"v":1,"id":"%s","created_at":"2026-01-02T03:04:05+00:00","role":"user","content":"%s"}'
OWNED = "user=3A1=2F=C3=A9"  # the partition of a conversation with an owner
EXPECTED: dict[tuple[str, str], dict[str, Any]] = {
    ("plain", "head"): {
        "body": (
            '{"v":1,"e":"aaaaaaaaaaaae","g":"aaaaaaaaaaaag","s":"aaaaaaaaaaaai","p":1,"n":1,"i":0,'
            '"m":[[0,1]],"x":[1800000000.5,null,1800000000.5],"r":"aaaaaaaaaaaac","c":1,"f":2}'
        ),
        "ttl": -1,
    },
    ("plain", "r.seal"): {"body": "1", "ttl": -1},
    ("plain", "r.aaaaaaaaaaaai.0"): {
        "body": f"1*aaaaaaaaaaaac|{MESSAGE % ('1', 'a')}",
        "ttl": -1,
    },
    ("plain", "r.aaaaaaaaaaaag-3974fca6b4c10bf5c3c3be6a35f9e29fe3af26d5"): {
        "body": "0",
        "ttl": -1,
    },
    (OWNED, "head"): {
        "body": (
            '{"v":1,"e":"aaaaaaaaaaaau","g":"aaaaaaaaaaaak","s":"aaaaaaaaaaaas","p":1,"n":1,"i":0,'
            '"m":[[0,1]],"x":[1800000001.5,null,1800000000.5],"r":"aaaaaaaaaaaamaaaaaaaaaaaaw",'
            r""""c":2,"f":2,"k":["ann","Trip \u0000","{\"n\":\"é\"}",true,null]}"""
        ),
        "ttl": -1,
        "owned": f"49915e0d7d4b402e3017d010bc1c0e83.1800000001500000.{OWNED}",
    },
    (OWNED, "r.seal"): {"body": "1", "ttl": -1},
    (OWNED, "r.aaaaaaaaaaaas.0"): {"body": f"1*aaaaaaaaaaaaw|{MESSAGE % ('2', 'b')}", "ttl": -1},
    (OWNED, "r.aaaaaaaaaaaak-43209703812b805478ef8f080c9d2b4d11dd89ea"): {"body": "0", "ttl": -1},
    ("ended", "head"): {
        "body": (
            '{"v":1,"e":"aaaaaaaaaaabe","g":"aaaaaaaaaaaba","s":"aaaaaaaaaaaa6","p":1,"n":1,"i":0,'
            '"m":[],"x":[1800000001.5,259200.0,null],"r":"aaaaaaaaaaaayaaaaaaaaaaabc","c":2,"f":0}'
        ),
        "ttl": 259200,
    },
}


@pytest.fixture
def items(
    double: CosmosDouble, client: CosmosClient, monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[str, str], dict[str, Any]]:
    """Write conversations with known names and times; return their items."""
    names = itertools.count(1)
    monkeypatch.setattr(
        "chatstore.conditional.names.token_bytes", lambda size: next(names).to_bytes(size, "big")
    )
    double.now = 1_800_000_000.5
    options: dict[str, Any] = {"clock": double.clock}
    with CosmosChatStore.from_account_and_key(double.endpoint, double.key, **options) as store:
        store.add_message("plain", message("a", id="1", created_at=CREATED_AT))
        store.create_conversation("user:1/é", owner="ann", title="Trip \0", metadata={"n": "é"})
        double.advance(1)
        store.add_message("user:1/é", message("b", id="2", created_at=CREATED_AT))
        store.add_message("ended", message("c", id="3", created_at=CREATED_AT))
        store.delete_messages("ended")
    container = client.get_database_client("chatstore").get_container_client("messages")
    stored: Any = container.query_items("SELECT * FROM c", enable_cross_partition_query=True)
    return {
        (one["conversation"], one["id"]): {
            name: value
            for name, value in one.items()
            if not name.startswith("_") and name not in {"conversation", "id"}
        }
        for one in stored
    }


def test_items(items: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert items == EXPECTED


def test_the_readme_shows_the_indexes() -> None:
    [policy] = re.findall(r"--idx '(.*?)'", README, re.DOTALL)
    assert json.loads(policy) == INDEXING
