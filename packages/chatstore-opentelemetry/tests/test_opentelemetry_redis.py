"""Retries, waits for connections, and cancellation, on a real server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import redis
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode
from recorded import Recorded, attributes_of

from chatstore.core import ChatStore, StoreUnavailableError
from chatstore.core.testing.messages import message
from chatstore.opentelemetry import TracedBackend
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts.testing import RedisServer, redis_server

PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def traced(recorded: Recorded, store: ChatStore) -> ChatStore:
    return ChatStore(TracedBackend(store.backend, **recorded.providers))


def test_the_server_and_its_system(server: RedisServer, recorded: Recorded) -> None:
    with traced(recorded, RedisChatStore(f"redis://127.0.0.1:{server.port}")) as store:
        store.add_message("k", message("a"))
    [span] = recorded.spans
    values = attributes_of(span)
    assert span.name == f"add_message 127.0.0.1:{server.port}"
    assert values["db.system.name"] == "redis"
    assert (values["server.address"], values["server.port"]) == ("127.0.0.1", server.port)


def test_a_request_that_is_sent_again_is_an_event(server: RedisServer, recorded: Recorded) -> None:
    with (
        traced(recorded, RedisChatStore(f"redis://127.0.0.1:{server.port}")) as store,
        redis.Redis(port=server.port) as admin,
    ):
        store.add_message("k", message("a"))
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        store.add_message("k", message("b"))
    first, second = recorded.spans
    assert attributes_of(first)["chatstore.attempts"] == 1
    assert first.events == ()
    assert attributes_of(second)["chatstore.attempts"] == 2
    [event] = second.events
    assert event.name == "chatstore.retry"
    assert event.attributes is not None
    assert event.attributes["chatstore.retry.reason"]
    [retries] = recorded.metrics()["chatstore.client.retries"]
    assert retries.value == 1


@pytest.mark.short_timeout(0.5)
def test_a_wait_for_a_connection_is_measured(recorded: Recorded) -> None:
    """The first of two threads has the only connection, to a server that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        inner = RedisChatStore(url, max_connections=1, timeout=0.5, patience=0)
        with traced(recorded, inner) as store:

            def count(key: str) -> None:
                with pytest.raises(StoreUnavailableError):
                    store.count_messages(key)

            first = threading.Thread(target=count, args=("first",))
            first.start()
            connection, _ = silent.accept()
            with connection:
                count("second")
                first.join()
    waits = {
        attributes_of(span)["gen_ai.conversation.id"]: attributes_of(span)
        for span in recorded.spans
    }
    assert "chatstore.connection.wait" not in waits["first"]
    wait = waits["second"]["chatstore.connection.wait"]
    assert wait > 0
    [point] = recorded.metrics()["db.client.connection.wait_time"]
    assert (point.count, point.sum) == (1, wait)


class Begun(SpanProcessor):
    """Tells when a span begins."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def on_start(self, span: Span, parent_context: object = None) -> None:
        self.event.set()

    def on_end(self, span: ReadableSpan) -> None:
        """Do nothing."""


def test_cancellation_ends_the_span(recorded: Recorded) -> None:
    begun = Begun()
    recorded.tracer_provider.add_span_processor(begun)

    async def scenario(url: str) -> None:
        async with traced(recorded, RedisChatStore(url)) as store:
            task = asyncio.create_task(store.async_add_message("k", message("a")))
            await begun.event.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(scenario(f"redis://127.0.0.1:{silent.getsockname()[1]}"))
    [span] = recorded.spans
    assert attributes_of(span)["error.type"] == "asyncio.exceptions.CancelledError"
    assert span.status.status_code is StatusCode.ERROR


def test_a_server_that_cannot_be_reached(recorded: Recorded) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:1"
    store = traced(recorded, RedisChatStore(url, patience=0))
    with store, pytest.raises(StoreUnavailableError):
        store.add_message("k", message("private content"))
    [span] = recorded.spans
    text = span.to_json()
    assert PASSWORD not in text
    assert "private" not in text
    assert attributes_of(span)["error.type"] == "chatstore.core.errors.StoreUnavailableError"
    assert "127.0.0.1:1" in str(span.status.description)
