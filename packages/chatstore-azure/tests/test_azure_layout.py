"""What is in the table: later versions read it, so a change needs a migration."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableClient
from azurite_server import ACCOUNT, KEY
from tables_proxy import TablesProxy

from chatstore.azure import AzureChatStore
from chatstore.core.testing.messages import message

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
MESSAGE = '{"v":1,"id":"%s","created_at":"2026-01-02T03:04:05+00:00","role":"user","content":"%s"}'
OWNED = "user=61=v:D@p"  # the partition of a conversation with an owner
LIST = (
    "~49915e0d7d4b402e3017d010bc1c0e83cac6c797d6c16e66340fe3268693a6a1"  # that of the owner's list
)
EXPECTED = {
    ("plain", "head"): (
        '{"v":1,"e":"aaaaaaaaaaaae","g":"aaaaaaaaaaaag","s":"aaaaaaaaaaaai","p":1,"n":1,"i":0,'
        '"m":[[0,1]],"x":[1800000000.5,null,1800000000.5],"r":"aaaaaaaaaaaac","c":1,"f":2}'
    ),
    ("plain", "rseal"): "1",
    ("plain", "raaaaaaaaaaaai.a0"): f"1*aaaaaaaaaaaac|{MESSAGE % ('1', 'a')}",
    ("plain", "raaaaaaaaaaaag-3974fca6b4c10bf5c3c3be6a35f9e29fe3af26d5"): "0",
    (OWNED, "head"): (
        '{"v":1,"e":"aaaaaaaaaaaa4","g":"aaaaaaaaaaaas","s":"aaaaaaaaaaaa2","p":1,"n":1,"i":0,'
        '"m":[[0,1]],"x":[1800000061.5,null,1800000000.5],"r":"aaaaaaaaaaaauaaaaaaaaaaaa6",'
        '"c":2,"f":2,"o":1800000061.5,'
        r""""k":["ann","Trip \u0000","{\"n\":\"é\"}",true,"000000000000000000000001"]}"""
    ),
    (OWNED, "rseal"): "1",
    (OWNED, "raaaaaaaaaaaa2.a0"): f"1*aaaaaaaaaaaa6|{MESSAGE % ('2', 'b')}",
    (OWNED, "raaaaaaaaaaaas-43209703812b805478ef8f080c9d2b4d11dd89ea"): "0",
    (LIST, "head"): (
        '{"v":1,"e":"aaaaaaaaaaaam","g":"aaaaaaaaaaaao","s":"aaaaaaaaaaaaq","p":2,"n":2,"i":0,'
        '"m":[[1,1]],"x":[1800000061.5,null,1800000000.5],"r":"aaaaaaaaaaaakaaaaaaaaaaaba",'
        '"c":2,"f":2}'
    ),
    (LIST, "rseal"): "1",
    (LIST, "raaaaaaaaaaaaq.a1"): (
        '1*aaaaaaaaaaaba|{"id": "000000000000000000000001", "key": "user:1/é", '
        '"refreshed": 1800000061.5}'
    ),
    (LIST, "raaaaaaaaaaaao-b4fba757d4c751eda12653a42cacc505896271df"): "1",
    ("ended", "head"): (
        '{"v":1,"e":"aaaaaaaaaaabo","g":"aaaaaaaaaaabk","s":"aaaaaaaaaaabi","p":1,"n":1,"i":0,'
        '"m":[],"x":[1800000061.5,259200.0,null],"r":"aaaaaaaaaaabcaaaaaaaaaaabm","c":2,"f":0}'
    ),
}


def entities(table: TableClient) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the properties of all entities beside their keys."""
    return {
        (one["PartitionKey"], one["RowKey"]): {
            name: value for name, value in one.items() if name not in {"PartitionKey", "RowKey"}
        }
        for one in table.list_entities()
    }


@pytest.fixture
def stored(
    service: TablesProxy, monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Write conversations with known names and times; return their entities."""
    names, entries = itertools.count(1), itertools.count(1)
    now = [1_800_000_000.5]
    monkeypatch.setattr(
        "chatstore.conditional.names.token_bytes", lambda size: next(names).to_bytes(size, "big")
    )
    index = "chatstore.core.backend.owner_index"
    monkeypatch.setattr(f"{index}.token_hex", lambda size: f"{next(entries):0{2 * size}x}")
    monkeypatch.setattr(f"{index}.time", SimpleNamespace(time=lambda: now[0]))
    table = f"Chat{uuid.uuid4().hex}"
    with AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint, clock=lambda: now[0]
    ) as store:
        store.add_message("plain", message("a", id="1", created_at=CREATED_AT))
        store.create_conversation("user:1/é", owner="ann", title="Trip \0", metadata={"n": "é"})
        now[0] += 61
        store.add_message("user:1/é", message("b", id="2", created_at=CREATED_AT))
        store.add_message("ended", message("c", id="3", created_at=CREATED_AT))
        store.delete_messages("ended")
        store.add_message("long", message("é" * 40_000, id="4", created_at=CREATED_AT))
    credential = AzureNamedKeyCredential(ACCOUNT, KEY)
    with TableClient(service.endpoint, table, credential=credential) as client:
        return entities(client)


def test_entities(stored: dict[tuple[str, str], Mapping[str, Any]]) -> None:
    short = {key: one for key, one in stored.items() if key[0] != "long"}
    assert short == {key: {"Body0": text} for key, text in EXPECTED.items()}


def test_long_texts_have_several_properties(
    stored: dict[tuple[str, str], Mapping[str, Any]],
) -> None:
    [record] = [one for key, one in stored.items() if key[0] == "long" and key[1].endswith(".a0")]
    assert list(map(len, record.values())) == [32_768, len(MESSAGE % ("4", "é" * 40_000)) - 32_752]
    text = "".join(record[f"Body{number}"] for number in range(len(record)))
    assert text.endswith("|" + MESSAGE % ("4", "é" * 40_000))
