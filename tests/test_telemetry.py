"""Telemetry names the system and the address of every store, without secrets."""

from __future__ import annotations

from typing import Any

import pytest
from every_store import ACCOUNT_KEY, SECRET, STORES
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chatstore.core.layers import PrefixedBackend
from chatstore.opentelemetry import TracedBackend

SYSTEMS = {
    "memory": "memory",
    "sqlite": "sqlite",
    "redis": "redis",
    "upstash": "redis",
    "postgres": "postgresql",
    "dynamodb": "aws.dynamodb",
    "azure": "azure.tables",
    "cosmos": "azure.cosmosdb",
}
WITHOUT_ADDRESS = {"memory", "sqlite"}


def span_of(name: str) -> ReadableSpan:
    """Return the span of a call of a store, made without a database."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with STORES[name]() as store:
        backend = TracedBackend(PrefixedBackend(store.backend, "acme"), tracer_provider=provider)
        assert backend.observer is not None
        with backend.observer.observe("add_message"):
            pass
    [span] = exporter.get_finished_spans()
    return span


@pytest.mark.parametrize("name", STORES)
def test_the_system_and_the_address(name: str) -> None:
    span = span_of(name)
    attributes: dict[str, Any] = dict(span.attributes or {})
    assert attributes["db.system.name"] == SYSTEMS[name]
    address = (attributes.get("server.address"), attributes.get("server.port"))
    if name in WITHOUT_ADDRESS:
        assert address == (None, None)
        assert span.name == "add_message"
    else:
        assert address == ("127.0.0.1", 1)
        assert span.name == "add_message 127.0.0.1:1"
    text = span.to_json()
    assert SECRET not in text
    assert ACCOUNT_KEY not in text
