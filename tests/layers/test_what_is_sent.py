"""Nothing that a function redacts, or that is encrypted, is sent to the server."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from recorder import recorder
from secret_calls import CONTENT, NAMES, contained, store_secrets
from stacks import COMBINED, plain

from chatstore.core import ChatMessage, ChatStore
from chatstore.core.backend import Backend
from chatstore.core.layers import RedactedBackend
from chatstore.core.testing.layers import layered
from chatstore.postgres import PostgresChatStore
from chatstore.redis import RedisChatStore

SECRET = re.compile("|".join(CONTENT))


def redact(message: ChatMessage) -> ChatMessage:
    return ChatMessage.model_validate_json(SECRET.sub("#", message.model_dump_json()))


def redact_record(title: str | None, metadata: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    return title and SECRET.sub("#", title), dict.fromkeys(metadata, "#")


redacted: Callable[[Backend[Any]], Backend[Any]] = partial(
    RedactedBackend, redact=redact, redact_record=redact_record
)
EXPECTED = {
    "none": (plain.layer, CONTENT, NAMES),
    "redacted": (redacted, [], NAMES),
    "all": (COMBINED.layer, [], []),
}


@pytest.mark.parametrize("layers", EXPECTED)
@pytest.mark.parametrize("database", ["redis", "postgres"])
def test_what_is_sent(request: pytest.FixtureRequest, database: str, layers: str) -> None:
    layer, content, names = EXPECTED[layers]
    harness: Any = request.getfixturevalue(f"{database}_harness")
    server = request.getfixturevalue(f"{database}_server")
    with recorder(server.port) as recording:
        url = harness.url.replace(f":{server.port}", f":{recording.port}")
        store: ChatStore = (
            RedisChatStore(url, namespace=harness.namespace)
            if database == "redis"
            else PostgresChatStore.from_uri(url, table_name=harness.table)
        )
        store_secrets(layered(store, layer))
    assert contained(CONTENT, recording.text()) == content
    assert contained(NAMES, recording.text()) == names
