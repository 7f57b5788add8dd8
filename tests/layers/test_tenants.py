"""No tenant notices another one, whatever both call their conversations and owners."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from tenants import ACTS, TENANTS, Act, Pair

from chatstore.core import ChatStore
from chatstore.core.backend import Backend, KeyPage, Plan, WrapperBackend
from chatstore.core.layers import PrefixedBackend
from chatstore.core.simple import MemoryBackend

DATABASES = ["sqlite", "redis", "postgres", "dynamodb"]
EXAMPLES = {"memory": 60, "sqlite": 10, "redis": 10, "postgres": 10, "dynamodb": 2}


@pytest.fixture(params=["memory", *DATABASES])
def database(request: pytest.FixtureRequest) -> tuple[str, Backend[Any]]:
    if request.param == "memory":
        return "memory", MemoryBackend()
    return request.param, request.getfixturevalue(f"{request.param}_harness").open().backend


def test_each_tenant_is_alone(database: tuple[str, Backend[Any]]) -> None:
    name, backend = database

    @settings(
        max_examples=EXAMPLES[name],
        phases=[Phase.generate],  # a failure shows its calls; shrinking takes minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(TENANTS, ACTS)
    def compare(tenants: tuple[str, str], acts: list[Act]) -> None:
        pair = Pair(backend, tenants)
        try:
            for act in acts:
                pair.act(act)
            for tenant in (0, 1):
                pair.check_cursors(tenant)
            pair.check_keys()
        finally:
            pair.clear()

    compare()
    ChatStore(backend).close()


def test_no_cursor_contains_the_key_of_another_tenant() -> None:
    """DynamoDB's cursors name what was scanned last, whosever it was."""

    class Scanning(WrapperBackend[Any]):
        def list_keys(self, prefix: str, limit: int, cursor: Any) -> Plan[Any, KeyPage]:
            page = yield from self.inner.list_keys("", 2, cursor and cursor["last"])
            keys = [key for key in page.keys if key.startswith(prefix)]
            return KeyPage(keys, page.cursor and {"last": page.keys[-1]})

    backend = Scanning(MemoryBackend())
    ann, bob = (ChatStore(PrefixedBackend(backend, tenant)) for tenant in ("ann", "bob"))
    for number in range(3):
        ann.create_conversation(f"k{number}")
        bob.create_conversation(f"secret {number}")
    page = ann.list_conversations(limit=1)
    while page.next_cursor is not None:
        assert "secret" not in json.dumps(json.loads(urlsafe_b64decode(page.next_cursor)))
        page = ann.list_conversations(limit=1, cursor=page.next_cursor)
    assert sorted(ann.get_keys()) == ["k0", "k1", "k2"]
